/** `almanac environments`: what is deployed, since when, and what it costs. */
import { join } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import { localSettings } from "../emulator/local-settings";
import { findEnvironments, type DeployedEnvironment } from "../environments/inventory";
import { localEndpoint, rememberPersonal } from "../environments/names";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withApp,
  withJson,
  type AppOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { describeError } from "../shared/terminal/errors";
import { table } from "../shared/terminal/table";
import { readStateBackend, type StateBackend } from "../terraform/state-bucket";
import { withStacks } from "../terraform/synthesize";
import { createS3Client } from "../shared/aws/s3-client";

export const command = () =>
  withJson(
    withApp(
      new DocumentedCommand({
        description:
          "Lists the deployed environments, those of main.ts and personal ones: since when, and at what cost. " +
          "Reads the state buckets of the account of your AWS credentials, and of the local emulator when it runs.",
        examples: ["npx almanac environments", "npx almanac environments --json"],
      }),
    ),
  ).action(exitCodeOf(run));

async function run({ app, home, json }: AppOptions & JsonOption): Promise<number> {
  const emulator = await localEndpoint(home);
  const backends = await withStacks(
    { app, ...(emulator !== undefined && { awsEndpoint: emulator }) },
    ({ folder, names }) => Promise.all(names.map((name) => readStateBackend(join(folder, name)))),
  );
  const buckets = new Set(backends.map(({ bucket }) => bucket));

  const found: DeployedEnvironment[] = [];
  const unreachable: string[] = [];
  for (const s3 of clientsOf(backends, emulator)) {
    try {
      const { environments, unreadable } = await findEnvironments(s3, buckets);
      found.push(...environments);
      unreachable.push(...unreadable);
    } catch (error) {
      unreachable.push(describeError(error).split("\n")[0] ?? "");
    } finally {
      s3.destroy();
    }
  }
  rememberPersonal(found.filter(({ personal, resources }) => personal && resources > 0).map(({ name }) => name));
  console.log(json ? JSON.stringify({ environments: found, unreachable }) : describe(found, unreachable.length === 0));
  for (const problem of unreachable) console.error(`Some could not be queried: ${problem}`);
  return unreachable.length === 0 ? EXIT.ok : EXIT.failure;
}

/** One for the account, unless every environment is on an emulator; one for the emulator that runs. */
function* clientsOf(backends: readonly StateBackend[], emulator: string | undefined): Generator<S3Client> {
  const inAccount = backends.find(({ endpoints }) => endpoints === undefined);
  if (inAccount) yield createS3Client({ region: inAccount.region }, { followRegionRedirects: true });
  // Also without a stack that says so: personal environments are in no app.
  if (emulator !== undefined) yield createS3Client(localSettings(emulator));
}

/** @param isAll false: some could not be queried */
function describe(found: readonly DeployedEnvironment[], isAll: boolean): string {
  if (found.length === 0) return isAll ? "Nothing is deployed." : "No environment was found.";
  const date = (time: Date | undefined) => time?.toISOString().slice(0, 10) ?? "";
  return [
    table(
      ["environment", "since", "changed", "resources", "dollars a month", ""],
      found.map(({ name, since, changed, resources, listed, personal }) => [
        name,
        date(since),
        date(changed),
        String(resources),
        listed.toFixed(2),
        resources === 0 ? "destroyed, its state kept" : personal ? "personal" : "",
      ]),
    ),
    "",
    "Dollars: idle, at list price, before the account's monthly free allowances. Details: npx almanac cost <environment>",
  ].join("\n");
}
