/** `almanac cost <environment>`: what an environment costs a month. Needs no AWS account. */
import { describeEstimate } from "../cost/describe";
import { estimate } from "../cost/estimate";
import { checkName } from "../environments/names";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withApp,
  withJson,
  type AppOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { readStackResources } from "../terraform/stack-resources";
import { readStateBackend } from "../terraform/state-bucket";
import { readTags, withStack } from "../terraform/synthesize";

export const command = () =>
  withJson(
    withApp(
      new DocumentedCommand({
        description:
          "Estimates what an environment costs a month, idle and in use, from its resources and AWS's prices. Needs no AWS account.",
        examples: ["npx almanac cost staging", "npx almanac cost staging --json"],
      }),
    ),
  )
    .argument("<environment>", "declared in main.ts, or personal: staging, alice")
    .action(exitCodeOf(run));

async function run(environment: string, { app, json }: AppOptions & JsonOption): Promise<number> {
  checkName(environment, app);
  const { personal, found, region } = await withStack(environment, { app, personal: true }, async (stack) => ({
    personal: "Personal" in (await readTags(stack)),
    found: estimate(await readStackResources(stack)),
    region: (await readStateBackend(stack)).region,
  }));
  if (personal) console.error(`${environment} is not in ${app}: estimated as a personal environment`);
  console.log(
    json
      ? JSON.stringify({ environment, region, ...withoutUsage(found) })
      : describeEstimate(environment, region, found),
  );
  return EXIT.ok;
}

/** The amounts are inputs of the calculation, not part of its result. */
function withoutUsage({ idle, ...rest }: ReturnType<typeof estimate>) {
  return { ...rest, idle: idle.map(({ usage: _, ...line }) => line) };
}
