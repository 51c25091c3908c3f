/** `npm run dashboard -- <environment>`: where its graphs are. */
import { spawn } from "node:child_process";
import { dashboardUrl } from "../environments/console-url";
import { describeError, EXIT, npmCommand } from "../shared/command-line";
import { readStateBackend } from "../terraform/state-bucket";
import { readTags, synthesizeStack } from "../terraform/synthesize";

/** What opens an address in the browser, where there is one. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"],
};

const command = npmCommand(
  "npm run dashboard --",
  "Prints the address of an environment's CloudWatch dashboard, and opens it where a browser is at hand.",
)
  .argument("<environment>", "as main.ts names it, or your own: staging")
  .option("--no-open", "only print it")
  .option("--app <file>", "the app that has the environment", "main.ts")
  .parse();

async function main(environment: string, { app, open }: { app: string; open: boolean }): Promise<void> {
  const stack = await synthesizeStack(environment, { app, personal: true });
  const { region, endpoints } = await readStateBackend(stack);
  const { App = "" } = await readTags(stack);
  const url = dashboardUrl(region, App, environment);
  console.log(url);
  if (endpoints !== undefined) console.error("It is deployed to an emulator, which has no console: nothing is there.");
  else if (open && process.stdout.isTTY) openInBrowser(url);
}

/** Without a browser, the printed address has to do. */
function openInBrowser(url: string): void {
  const [file, ...args] = OPENERS[process.platform] ?? [];
  if (file === undefined) return;
  const opener = spawn(file, [...args, url], { stdio: "ignore", detached: true });
  opener.on("error", () => undefined);
  opener.unref();
}

main(command.args[0] ?? "", command.opts()).catch((error: unknown) => {
  console.error(`npm run dashboard: ${describeError(error)}`);
  process.exitCode = EXIT.failure;
});
