/** `npm run environments`: what is deployed, since when, and what it costs. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { DEFAULT_HOME, homeAt } from "../emulator/home";
import { readRunning } from "../emulator/run-record";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { readStateBackend, type StateBackend } from "../terraform/state-bucket";
import { synthesizeStacks } from "../terraform/synthesize";
import { table } from "../shared/table";
import { findEnvironments, type DeployedEnvironment } from "../environments/inventory";

interface Options {
  readonly app: string;
  readonly home: string;
  readonly json: boolean;
}

const command = npmCommand(
  "npm run environments --",
  "Lists the environments that are deployed, those of main.ts and people's own: since when, and at what cost. Reads the state buckets of the account that your AWS credentials are for, and of the emulator that runs here.",
)
  .option("--json", "one JSON document on stdout, and nothing else (npm run --silent environments -- ...)", false)
  .option("--app <file>", "the app that has the environments", "main.ts")
  .option("--home <folder>", "the folder that was given to npm start", DEFAULT_HOME)
  .parse();

async function main({ app, home, json }: Options): Promise<number> {
  const emulator = process.env["ALMANAC_AWS_ENDPOINT"] || (await readRunning(homeAt(home)))?.endpoint;
  const stacks = await synthesizeStacks({ app, ...(emulator !== undefined && { awsEndpoint: emulator }) });
  const written = await Promise.all(
    (await readdir(stacks)).map(async (name) => ({ name, backend: await readStateBackend(join(stacks, name)) })),
  );
  const buckets = new Set(written.map(({ backend }) => backend.bucket));

  const found: DeployedEnvironment[] = [];
  const unreachable: string[] = [];
  for (const s3 of clientsOf(
    written.map(({ backend }) => backend),
    emulator,
  )) {
    try {
      found.push(...(await findEnvironments(s3, buckets)));
    } catch (error) {
      unreachable.push(describeError(error).split("\n")[0] ?? "");
    } finally {
      s3.destroy();
    }
  }
  console.log(json ? JSON.stringify({ environments: found, unreachable }) : describe(found));
  for (const problem of unreachable) console.error(`Not all could be asked: ${problem}`);
  return unreachable.length === 0 ? EXIT.ok : EXIT.failure;
}

/** One for the account, unless everything is in an emulator; one for the emulator that runs. */
function* clientsOf(backends: readonly StateBackend[], emulator: string | undefined): Generator<S3Client> {
  const inAccount = backends.find(({ endpoints }) => endpoints === undefined);
  if (inAccount) yield new S3Client({ region: inAccount.region, followRegionRedirects: true });
  const { region, access_key = "", secret_key = "" } = backends.find(({ endpoints }) => endpoints !== undefined) ?? {};
  if (region === undefined || emulator === undefined) return;
  const credentials = { accessKeyId: access_key, secretAccessKey: secret_key };
  yield new S3Client({ region, endpoint: emulator, credentials, forcePathStyle: true });
}

function describe(found: readonly DeployedEnvironment[]): string {
  if (found.length === 0) return "Nothing is deployed.";
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
    "Dollars: idle, at list price. What AWS gives every account each month goes off the sum of all: npm run cost",
  ].join("\n");
}

main(command.opts<Options>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run environments: ${describeError(error)}`);
    process.exitCode = EXIT.failure;
  },
);
