/** The API of pipelines. */
import * as z from "zod";
import {
  acceptedSchema,
  challengeAnswerSchema,
  MAX_MESSAGE_BYTES,
  repeatedSchema,
  verificationSchema,
} from "../../../../functions/pipelines/contract";
import type { Api } from "./document";

const senders = verificationSchema.options.flatMap((option) => (option instanceof z.ZodEnum ? option.options : []));
const messageSchema = z.looseObject({});
const ERRORS = ["badRequest", "tooLarge", "tooMany", "unavailable"] as const;
const DESCRIPTION = `JSON in UTF-8 of at most ${MAX_MESSAGE_BYTES} bytes, with the key and version of the pipeline, as its schema has it.`;

export const PIPELINES_API: Api = {
  title: "Almanac pipelines",
  description: "See modules/pipelines/README.md. The same message twice is one row.",
  parameters: { pipeline: z.string().regex(/^[a-z][A-Za-z0-9]*$/) },
  schemas: {},
  operations: {
    "POST /pipelines/{pipeline}": {
      id: "sendMessage",
      summary: "Sends a message through a pipeline",
      description: DESCRIPTION,
      body: messageSchema,
      answers: { 202: { description: "SQS has accepted it", schema: acceptedSchema } },
      errors: [...ERRORS, "forbidden"],
    },
    "POST /webhooks/{pipeline}": {
      id: "deliverWebhook",
      summary: "Takes a delivery that its sender has signed",
      description: `${DESCRIPTION} Senders: ${senders.join(", ")}, or any HMAC. See docs/webhooks.md.`,
      isSigned: false,
      body: messageSchema,
      answers: {
        200: { description: "Slack's URL verification", schema: challengeAnswerSchema },
        202: { description: "SQS has accepted it", schema: z.union([acceptedSchema, repeatedSchema]) },
      },
      errors: [...ERRORS, "unauthorized", "forbidden"],
    },
  },
};
