/** `almanac heartbeats ping-url <name>`: the URL that a job reports to which cannot sign. */
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { pingKey } from "../../../functions/heartbeats/monitors/record-heartbeat";
import { findDeployed } from "../../environments/deployed";
import { cronMonitorNamed } from "../../features/heartbeats/cron-monitors";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Shows the URL with which a job reports a success (GET or POST; the body is its output). Append /start, /fail or an exit code. The URL is a secret: it is enough to report.",
      examples: ["npx almanac heartbeats ping-url nightly-backup --env staging"],
    }),
  )
    .argument("<name>", "the cron monitor's name in main.ts")
    .action(exitCodeOf(run));

async function run(name: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const outputs = outputsOf("heartbeats", deployed);
  const { ping_url: url, ping_secret_parameter: Name } = outputs;
  if (url === undefined || Name === undefined)
    throw new UsageError(`${deployed.name} has no ping URLs: set pingSecretParameter in main.ts.`);
  await cronMonitorNamed(name, outputs.configuration_bucket_name, deployed.aws);
  const { Parameter } = await new SSMClient(deployed.aws).send(new GetParameterCommand({ Name, WithDecryption: true }));
  console.log(`${url}/${pingKey(name, Parameter?.Value ?? "")}`);
  return EXIT.ok;
}
