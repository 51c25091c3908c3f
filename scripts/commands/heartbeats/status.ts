/** `npm run heartbeats -- <environment>`: how the targets are. `npm run heartbeats -- check <url>`: tries one now. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { systemLookUp } from "../../../functions/heartbeats/probe/dns";
import { systemClock } from "../../../functions/shared/clock";
import { DEFAULT_HOME } from "../../emulator/home";
import { colours } from "../../shared/colours";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { findDeployed, NotDeployedError, type AwsSettings, type DeployedOptions } from "../../environments/deployed";
import { targetOf, UsageError, type CheckOptions } from "../../features/heartbeats/check-options";
import { describeCheck } from "../../features/heartbeats/describe-check";
import { describeStatus } from "../../features/heartbeats/describe-status";
import { documentSource } from "../../features/heartbeats/status-document";
import { readStatus, type StatusSource } from "../../features/heartbeats/status-view";
import { telemetrySource } from "../../features/heartbeats/telemetry-source";
import { tracedCheck } from "../../features/heartbeats/traced-check";

const outputsSchema = z.looseObject({ table_name: z.string(), status_bucket_name: z.string().optional() });

/** Where an environment's status is read, the best first: what each round of checks sums up, and else its rows. */
function statusSources(outputs: z.output<typeof outputsSchema>, aws: AwsSettings): readonly StatusSource[] {
  const { table_name: table, status_bucket_name: bucket } = outputs;
  const s3 = () => new S3Client({ ...aws, forcePathStyle: aws.endpoint !== undefined });
  return [
    ...(bucket === undefined ? [] : [documentSource(s3(), bucket)]),
    telemetrySource(new DynamoDBClient(aws), table),
  ];
}

async function showStatus(environment: string, { json, ...options }: DeployedOptions & Json): Promise<number> {
  const { features, aws } = await findDeployed(environment, options);
  const outputs = outputsSchema.safeParse(features["heartbeats"]);
  if (!outputs.success)
    throw new NotDeployedError(`${environment} has no heartbeats: ${Object.keys(features).join(", ")}`);
  const now = Date.now();
  const view = await readStatus(statusSources(outputs.data, aws), now);
  if (view === undefined) throw new NotDeployedError(`nothing was checked in ${environment} yet`);
  console.log(
    json
      ? JSON.stringify({ environment, at: new Date(now).toISOString(), ...view })
      : describeStatus(view, now, colours),
  );
  return EXIT.ok;
}

async function check(url: string, { json, ...options }: CheckOptions & Json): Promise<number> {
  const target = targetOf(url, options);
  const traced = await tracedCheck(target, { lookUp: systemLookUp(), clock: systemClock });
  const { outcome, latencyMs, at } = traced.observation;
  console.log(
    json
      ? JSON.stringify({ url, at: new Date(at).toISOString(), latencyMs, outcome, steps: traced.steps })
      : describeCheck(target, traced, colours),
  );
  return outcome.ok ? EXIT.ok : EXIT.failure;
}

interface Json {
  readonly json: boolean;
}

/** Ends with the code that a command comes to. */
function finish(code: Promise<number>): Promise<void> {
  return code.then(
    (ended) => {
      process.exitCode = ended;
    },
    (error: unknown) => {
      console.error(`npm run heartbeats: ${describeError(error)}`);
      process.exitCode = error instanceof UsageError ? EXIT.badUsage : EXIT.failure;
    },
  );
}

const collect = (value: string, all: readonly string[] = []) => [...all, value];

const command = npmCommand("npm run heartbeats --", "Shows how an environment's targets are, by their latest checks.")
  // Options after `check` are its own, though both have --json.
  .enablePositionalOptions()
  .helpCommand(false)
  .argument("<environment>", "as main.ts names it: staging")
  .option("--json", "one JSON document on standard output, for programs", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .action((environment: string, options: DeployedOptions & Json) => finish(showStatus(environment, options)));

command
  .command("check")
  .description(
    "Checks a URL once, now, from this machine, as the deployed function would, and explains what came of it.\n" +
      "Exit code 0: a good answer; 1: a failed check; 2: called wrongly.",
  )
  .allowExcessArguments(false)
  .showHelpAfterError("Usage and options: npm run heartbeats -- check --help")
  .argument("<url>", "an http or https address")
  .option("--method <method>", "GET, HEAD, POST, ... (default: GET)")
  .option('--header <"name: value">', "sent with the request; as often as you like", collect)
  .option("--body <text>", "sent with the request")
  .option("--timeout <seconds>", "for all of it: look-up, handshake, redirects and body (default: 10)")
  .option("--expect-status <list>", "good answers: 200-299,404 (default: 200-299)")
  .option("--contains <text>", "the body must contain it")
  .option("--matches <pattern>", "the body must match this regular expression")
  .option("--max-latency <ms>", "a slower answer is a failed check")
  .option("--max-body <bytes>", "a longer body is a failed check (default: 1048576)")
  .option("--certificate-days <days>", "the certificate must be valid for longer (default: 7)")
  .option("--ca <file>", "certificates (PEM) to trust in place of the public ones")
  .option("--private", "it may be in a private network, or on this machine")
  .option("--no-follow", "a redirect is itself the answer")
  .option("--json", "one JSON document on standard output, for programs", false)
  .action((url: string, options: CheckOptions & Json) => finish(check(url, options)));

void command.parseAsync();
