/** `npm run cost -- <environment>`: what an environment costs a month. Needs no AWS account. */
import { synthesizeStack } from "../terraform/synthesize";
import { readStateBackend } from "../terraform/state-bucket";
import { readStackResources } from "../terraform/stack-resources";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { describeEstimate } from "../cost/describe";
import { estimate } from "../cost/estimate";

interface Options {
  readonly app: string;
  readonly json: boolean;
}

const command = npmCommand(
  "npm run cost --",
  "Estimates what an environment costs a month, idle and when it is used, from what it is made of. Needs no AWS account.",
)
  .argument("<environment>", "as main.ts names it, or your own: staging")
  .option("--json", "one JSON document on stdout, and nothing else (npm run --silent cost -- ...)", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .parse();

async function main(environment: string, { app, json }: Options): Promise<void> {
  const stack = await synthesizeStack(environment, { app, personal: true });
  const found = estimate(await readStackResources(stack));
  const { region } = await readStateBackend(stack);
  console.log(
    json
      ? JSON.stringify({ environment, region, ...withoutUsage(found) })
      : describeEstimate(environment, region, found),
  );
}

/** Amounts are for reckoning only. */
function withoutUsage({ idle, ...rest }: ReturnType<typeof estimate>) {
  return { ...rest, idle: idle.map(({ usage: _, ...line }) => line) };
}

main(command.args[0] ?? "", command.opts<Options>()).catch((error: unknown) => {
  console.error(`npm run cost: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
