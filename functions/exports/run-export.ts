import { DescribeExecutionCommand } from "@aws-sdk/client-sfn";
import * as z from "zod";

import { sleep } from "../shared/clock";
import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { exportOf, readConfiguration } from "./run/configuration";
import { answerSchema, runEnvironment, type RunRequest } from "./contract";
import { startExecution } from "./run/executions";
import { dayOf } from "./run/object-keys";

const LOOK_EVERY_MS = 1_000;

/** Kept back from Lambda's limit, so that there is an answer. */
const CLOSING_MS = 5_000;

/** A tick of an export's schedule; which export, the rule's name says. */
const tickSchema = z.looseObject({
  "detail-type": z.literal("Scheduled Event"),
  id: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  resources: z.array(z.string()).min(1),
});

/** What a person invokes it with. An empty event is for the one export that there is. */
const callSchema = z.strictObject({
  export: z.string().optional(),
  day: z.iso.date().optional(),
  force: z.boolean().default(false),
  /** @default true: it answers when the export is there */
  wait: z.boolean().default(true),
});

/** An export that was waited for has failed. */
export class ExportFailedError extends Error {
  override readonly name = "ExportFailedError";
}

/** Where a rule's name has the export's: `<app>-<environment>-exports-schedule-<export>`. */
const RULE = /-exports-schedule-(.+)$/;

/**
 * Starts an export: at its schedule, or by hand. By hand it waits for it, and answers as the function that it replaces did:
 * `{statusCode: 200, body: "\"Uploaded to s3.\""}`. A tick that comes twice starts one execution.
 */
export const handler = invocationHandler(
  runEnvironment,
  { input: z.union([tickSchema, callSchema]) },
  ({ environment, clock, logger }) => {
    const sfn = createSfn();
    const s3 = createS3();

    const answerOf = async (executionArn: string, deadline: number): Promise<string> => {
      for (;;) {
        const { status, output, error, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
        if (status === "SUCCEEDED") {
          const { outcome, message } = answerSchema.parse(JSON.parse(output ?? ""));
          return outcome === "exported" ? "Uploaded to s3." : message;
        }
        if (status !== "RUNNING") throw new ExportFailedError(`${status ?? ""} ${error ?? ""}: ${cause ?? ""}`);
        if (clock.now() + LOOK_EVERY_MS > deadline - CLOSING_MS) return `is still running: ${executionArn}`;
        await sleep(clock, LOOK_EVERY_MS);
      }
    };

    return async (input, { deadline }) => {
      const tick = tickSchema.safeParse(input).data;
      const call = tick === undefined ? callSchema.parse(input) : undefined;
      const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
      const [only, ...others] = configuration.tables;
      const named = tick === undefined ? call?.export : RULE.exec(tick.resources[0] ?? "")?.[1];
      const name = named ?? (others.length === 0 ? (only?.name ?? "") : "");
      exportOf(configuration, { export: name });
      const day = tick === undefined ? call?.day : dayOf(Date.parse(tick.time));
      const request: RunRequest = { export: name, force: call?.force ?? false, ...(day !== undefined && { day }) };
      const id = tick?.id ?? clock.now().toString(36);
      const execution = await startExecution(sfn, environment.MACHINE, `${name}-${id}`, request);
      logger.info("started", { export: name, execution });
      if (call === undefined) return undefined;
      const answer = call.wait ? await answerOf(execution, deadline) : `started: ${execution}`;
      return { statusCode: 200, body: JSON.stringify(answer) };
    };
  },
);
