/** `almanac dashboard <environment>`: the address of its CloudWatch dashboard. */
import { dashboardUrl } from "../shared/aws/console-url";
import { checkName } from "../environments/names";
import { openInBrowser } from "../shared/terminal/browser";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withApp,
  withJson,
  type AppOptions,
  type JsonOption,
} from "../shared/terminal/command-line";
import { readStateBackend } from "../terraform/state-bucket";
import { readTags, withStack } from "../terraform/synthesize";

export const command = () =>
  withJson(
    withApp(
      new DocumentedCommand({
        description:
          "Prints the address of an environment's CloudWatch dashboard, and opens it when run at a terminal.",
        examples: ["npx almanac dashboard staging", "npx almanac dashboard staging --no-open"],
      }),
    ),
  )
    .argument("<environment>", "declared in main.ts, or personal: staging, alice")
    .option("--no-open", "only print the address")
    .action(exitCodeOf(run));

async function run(
  environment: string,
  { app, open, json }: AppOptions & JsonOption & { readonly open: boolean },
): Promise<number> {
  checkName(environment, app);
  const { region, endpoints, tags } = await withStack(environment, { app, personal: true }, async (stack) => ({
    ...(await readStateBackend(stack)),
    tags: await readTags(stack),
  }));
  const { App = "" } = tags;
  const url = dashboardUrl(region, `${App}-${environment}`);
  console.log(json ? JSON.stringify({ environment, url }) : url);
  if (endpoints !== undefined) console.error("The environment is on an emulator, which has no CloudWatch console.");
  else if (open && !json && process.stdout.isTTY) openInBrowser(url);
  return EXIT.ok;
}
