/** The handler that starts the run of an export: on its schedule, or by hand. */
import * as z from "zod";

import { createS3 } from "../shared/aws/clients/s3";
import { createSfn } from "../shared/aws/clients/sfn";
import { isObject } from "../shared/errors";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import { parseInput } from "../shared/input";
import { startExportEnvironment, timeSchema, type NewRunRequest } from "./contract";
import { findExport, readConfiguration } from "./run/configuration";
import { startExecution, waitForExecution } from "./run/executions";
import { dueOfEvent, slotOf } from "./run/schedule";

/** Reserved for the response before Lambda's timeout. */
const RESPONSE_TIME_MS = 5_000;

/** Rules are named `<app>-<environment>-exports-schedule-<export>`. */
const RULE_ARN = /-exports-schedule-(.+)$/;

/** The event of an export's schedule. Those of other rules, such as the console's test event, are manual ones. */
const scheduledEventSchema = z.looseObject({
  "detail-type": z.literal("Scheduled Event"),
  id: z.string().min(1),
  time: z.iso.datetime({ offset: true }),
  resources: z.tuple([z.string().regex(RULE_ARN)]).rest(z.string()),
});

/** The event of a manual invocation. Every event is one, as in the function that this one replaces: unknown fields are ignored. */
const manualEventSchema = z.object({
  /** @default the only export, if there is only one */
  export: z.string().optional(),
  day: z.iso.date().optional(),
  /** Only with a day, because events of AWS have a time of their own. Of exports that run more often than daily: `17` or `17:15`, UTC. */
  time: timeSchema.optional(),
  force: z.boolean().default(false),
  /** Wait for the execution to end. @default true */
  wait: z.boolean().default(true),
});

/**
 * Starts an export on its schedule, or manually. A manual invocation waits, and returns what the replaced function did:
 * `{statusCode: 200, body: "\"Uploaded to s3.\""}`. A schedule event that is delivered twice starts one execution.
 */
export const handler = invocationHandler(
  startExportEnvironment,
  { input: z.unknown() },
  ({ environment, account, clock, logger }) => {
    const sfn = createSfn();
    const s3 = createS3(account);

    return async (event, { deadline }) => {
      const scheduled = scheduledEventSchema.safeParse(event).data;
      const manual = scheduled === undefined ? parseInput(manualEventSchema, manualFields(event)) : undefined;
      const configuration = await readConfiguration(s3, environment.CONFIGURATION_BUCKET);
      const [first, ...others] = configuration.tables;
      const requested = scheduled === undefined ? manual?.export : RULE_ARN.exec(scheduled.resources[0])?.[1];
      const name = requested ?? (others.length === 0 ? (first?.name ?? "") : "");
      const { schedule } = findExport(configuration, { export: name });
      const due = scheduled && dueOfEvent(Date.parse(scheduled.time), schedule);
      if (scheduled !== undefined && due === undefined) return undefined;
      const slot = due === undefined ? { day: manual?.day, time: manual?.time } : slotOf(due, schedule);
      const trigger = scheduled === undefined ? "manual" : "schedule";
      const request: NewRunRequest = {
        export: name,
        trigger,
        force: manual?.force ?? false,
        ...(slot.day !== undefined && { day: slot.day }),
        ...(slot.time !== undefined && { time: slot.time }),
        ...(due !== undefined && { due }),
      };
      const executionName = `${name}-${scheduled?.id ?? clock.now().toString(36)}`;
      const execution = await startExecution(sfn, environment.STATE_MACHINE_ARN, executionName, request);
      logger.info("started", { export: name, execution });
      if (manual === undefined) return undefined;
      if (!manual.wait) return response(`started: ${execution}`);
      const output = await waitForExecution(sfn, execution, deadline - RESPONSE_TIME_MS, clock);
      if (output === undefined) return response(`still running: ${execution}`);
      return response(output.outcome === "exported" ? "Uploaded to s3." : output.message);
    };
  },
);

function manualFields(event: unknown): object {
  if (!isObject(event) || Array.isArray(event)) return {};
  return "day" in event ? event : { ...event, time: undefined };
}

function response(message: string): { readonly statusCode: number; readonly body: string } {
  return { statusCode: 200, body: JSON.stringify(message) };
}
