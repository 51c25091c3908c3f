/** `almanac heartbeats status`: the state of an environment's targets. */
import { findDeployed } from "../../environments/deployed";
import { NotDeployedError } from "../../environments/stack";
import { describeStatus } from "../../features/heartbeats/describe-status";
import { readStatus } from "../../features/heartbeats/status-document";
import { colours } from "../../shared/terminal/colours";
import {
  environmentCommand,
  EXIT,
  exitCodeOf,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { createS3Client } from "../../shared/aws/s3-client";

export const command = () =>
  environmentCommand({
    description: "Shows the state of each target, by its latest checks.",
    examples: ["npx almanac heartbeats status", "npx almanac heartbeats status --env staging --json"],
  }).action(exitCodeOf(run));

async function run(options: EnvironmentOptions & JsonOption): Promise<number> {
  const deployed = await findDeployed(options);
  const { status_page_bucket_name: bucket } = outputsOf("heartbeats", deployed);
  const now = Date.now();
  const view = await readStatus(createS3Client(deployed.aws), bucket, now);
  if (view === undefined) throw new NotDeployedError(`Nothing has been checked in ${deployed.name} yet.`);
  console.log(
    options.json
      ? JSON.stringify({ environment: deployed.name, at: new Date(now).toISOString(), ...view })
      : describeStatus(view, now, colours),
  );
  return EXIT.ok;
}
