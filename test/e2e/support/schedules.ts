/** Schedules of the deployed system: their runs, and the instants that their keeper has yet to see. */
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { marshall } from "@aws-sdk/util-dynamodb";
import * as z from "zod";
import { STATES } from "../../../functions/schedules/contract";
import { jsonOfRun } from "../../../scripts/features/schedules/describe";
import { findSchedules } from "../../../scripts/features/schedules/environment";
import { awsConfiguration, home, readSystem } from "./system";

const outputsSchema = z.object({ runs_table_name: z.string() });
const runSchema = z.object({
  run: z.string(),
  outcome: z.string(),
  manual: z.boolean(),
  scheduledAt: z.string(),
  startedAt: z.string().optional(),
  result: z.string().optional(),
  reason: z.string().optional(),
});
type Run = z.output<typeof runSchema>;

export interface DeployedSchedules {
  /** As `schedules runs --json` has them: polls of the command would cost a process each. */
  readonly runsOf: (name: string) => Promise<readonly Run[]>;
  /** The keeper finds the instants of a schedule after this one due at its next tick. */
  readonly moveCursor: (name: string, at: number) => Promise<void>;
}

/** With the secret that the functions of the tests read. */
export async function deployedSchedules(): Promise<DeployedSchedules> {
  const running = await readSystem();
  const aws = awsConfiguration(running.endpoint);
  const TableName = outputsSchema.parse(running.deployment?.features["schedules"]).runs_table_name;
  const found = await findSchedules({ env: "local", app: "test/e2e/support/app.ts", home });
  const key = { Name: "/almanac/schedules/key", Value: "secret", Type: "SecureString", Overwrite: true } as const;
  await new SSMClient(aws).send(new PutParameterCommand(key));
  const dynamodb = new DynamoDBClient(aws);
  return {
    runsOf: async (name) =>
      ((await found.own?.table.list(name, 100)) ?? []).map((run) => runSchema.parse(jsonOfRun(run))),
    moveCursor: async (run, at) => {
      await dynamodb.send(
        new UpdateItemCommand({
          TableName,
          Key: marshall({ schedule: STATES, run }),
          UpdateExpression: "SET #cursor = :at",
          ConditionExpression: "attribute_exists(#cursor)",
          ExpressionAttributeNames: { "#cursor": "cursor" },
          ExpressionAttributeValues: marshall({ ":at": at }),
        }),
      );
    },
  };
}
