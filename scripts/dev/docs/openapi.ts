/** docs/openapi/pipelines.json: the API of pipelines as an OpenAPI document, from the schemas of its contract and its errors. */
import * as z from "zod";
import {
  acceptedSchema,
  challengeAnswerSchema,
  MAX_MESSAGE_BYTES,
  repeatedSchema,
  verificationSchema,
} from "../../../functions/pipelines/contract";
import {
  BadRequestError,
  errorSchema,
  PayloadTooLargeError,
  TooManyRequestsError,
  UnauthorizedError,
  UnavailableError,
  type HttpError,
} from "../../../functions/shared/handlers/http-errors";

export const OPENAPI_FILE = "docs/openapi/pipelines.json";

type Answer = readonly [error: HttpError, description: string];

const COMMON: readonly Answer[] = [
  [new BadRequestError(""), "Not UTF-8, not JSON, without key or version, or in violation of the schema"],
  [new PayloadTooLargeError(""), `More than ${MAX_MESSAGE_BYTES} bytes`],
  [new TooManyRequestsError(""), "More requests than the limit. Retry"],
  [new UnavailableError(""), "A dependency is not available. Retry: the same message twice is one row"],
];

export function openapiDocument(): string {
  const document = {
    openapi: "3.1.0",
    info: { title: "Almanac pipelines", version: "1" },
    servers: [{ url: "https://{api}.execute-api.{region}.amazonaws.com/live", variables: SERVER_VARIABLES }],
    paths: {
      "/pipelines/{pipeline}": {
        parameters: [PIPELINE],
        post: operation("sendMessage", "Sends a message through a pipeline", [acceptedSchema], {
          security: [{ sigv4: [] }],
          answers: COMMON,
          others: { 403: "Not signed, or not allowed" },
        }),
      },
      "/webhooks/{pipeline}": {
        parameters: [PIPELINE],
        post: operation(
          "deliverWebhook",
          "Takes a delivery that its sender has signed",
          [acceptedSchema, repeatedSchema],
          {
            security: [],
            answers: [...COMMON, [new UnauthorizedError(""), "The signature is missing, wrong or too old"]],
            description: `Senders: ${senders().join(", ")}, or any HMAC. See docs/webhooks.md.`,
            ok: challengeAnswerSchema,
          },
        ),
      },
    },
    components: {
      securitySchemes: {
        sigv4: {
          type: "apiKey",
          name: "Authorization",
          in: "header",
          description: "AWS Signature Version 4, service execute-api",
          "x-amazon-apigateway-authtype": "awsSigv4",
        },
      },
      schemas: { Error: jsonSchema(errorSchema) },
    },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

const SERVER_VARIABLES = { api: { default: "api" }, region: { default: "eu-central-1" } };

const PIPELINE = {
  name: "pipeline",
  in: "path",
  required: true,
  schema: { type: "string", pattern: "^[a-z][A-Za-z0-9]*$" },
};

interface OperationOptions {
  readonly security: readonly object[];
  readonly answers: readonly Answer[];
  /** Responses of API Gateway. */
  readonly others?: Readonly<Record<number, string>>;
  readonly description?: string;
  /** Of status 200. */
  readonly ok?: z.ZodType;
}

function operation(operationId: string, summary: string, accepted: readonly z.ZodType[], options: OperationOptions) {
  const { security, answers, others = {}, description, ok } = options;
  const [only, ...more] = accepted.map(jsonSchema);
  const errors = Object.fromEntries(
    answers.map(([{ status }, text]) => [
      status,
      { description: text, content: content({ $ref: "#/components/schemas/Error" }) },
    ]),
  );
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    security,
    requestBody: { required: true, content: content({ type: "object" }) },
    responses: {
      ...(ok && { 200: { description: "Slack's URL verification", content: content(jsonSchema(ok)) } }),
      202: {
        description: "SQS has accepted it",
        content: content(more.length === 0 ? only : { anyOf: [only, ...more] }),
      },
      ...errors,
      ...Object.fromEntries(Object.entries(others).map(([status, text]) => [status, { description: text }])),
    },
  };
}

function senders(): readonly string[] {
  return verificationSchema.options.flatMap((option) => (option instanceof z.ZodEnum ? option.options : []));
}

const content = (schema: object | undefined) => ({ "application/json": { schema } });

function jsonSchema(schema: z.ZodType): object {
  return Object.fromEntries(Object.entries(z.toJSONSchema(schema)).filter(([name]) => name !== "$schema"));
}
