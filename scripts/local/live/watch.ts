/**
 * Puts changed handlers into their functions, as a process of its own. Arguments: the emulator's endpoint, the folder of the stack, and
 * the app. Prints {@link LiveEvent}s, one a line; ends with its standard input.
 */
import { readFileSync, statSync, watch } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LambdaClient, paginateListFunctions, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import { bundleHandlers, cachedBundles } from "../../../modules/constructs/bundle";
import { localSettings } from "../../emulator/local-settings";
import { describeError } from "../../shared/errors";
import { readState, resourcesOfState } from "../../terraform/state";
import { readStateBackend } from "../../terraform/state-bucket";
import { codeSha256Of, deployedFunctions } from "./deployed-functions";
import type { LiveEvent } from "./events";
import { LiveCode, type FunctionCode, type LiveCodePorts } from "./live-code";
import { typeErrorsIn } from "./type-errors";

/** Editors write a file in several steps, and save several files at once. */
const SETTLE_MS = 30;

const WATCHED = ["functions", "modules", "clients"];
const SOURCE = /\.(ts|json)$/;

const [endpoint = "", stack = "", app = ""] = process.argv.slice(2);
const lambda = new LambdaClient(localSettings(endpoint));
let types = new AbortController();

const say = (event: LiveEvent): void => {
  console.log(JSON.stringify(event));
};

const ports: LiveCodePorts = {
  say,
  elapsed: () => performance.now(),
  bundles: () =>
    cachedBundles().map((bundle) => ({ ...bundle, codeSha256: codeSha256Of(readFileSync(bundle.zipFile)) })),
  build: (entries) =>
    bundleHandlers(entries)
      .filter(({ rebuilt }) => rebuilt)
      .map(({ entry }) => entry),
  put: async (FunctionName, zipFile) => {
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: readFileSync(zipFile) }));
  },
  typeErrors: async (files) => {
    types.abort();
    const { signal } = (types = new AbortController());
    const existing = files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
    if (existing.length === 0) return undefined;
    try {
      return await typeErrorsIn(existing, signal);
    } catch (error) {
      if (!signal.aborted) console.error(describeError(error));
      return undefined;
    }
  },
};

async function currentCode(): Promise<readonly FunctionCode[]> {
  const found: FunctionCode[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {}))
    for (const { FunctionName: name = "", CodeSha256: codeSha256 = "" } of Functions) found.push({ name, codeSha256 });
  return found;
}

async function main(): Promise<void> {
  const state = await readState(await readStateBackend(stack));
  if (state === undefined) throw new Error("Nothing is deployed.");
  const deployed = deployedFunctions(resourcesOfState(state), (file) => readFileSync(join(stack, file)));
  const code = new LiveCode(deployed, ports);
  await code.putBack(await currentCode());

  const changed = new Set<string>();
  let working = false;
  const notice = (file: string) => {
    if (!SOURCE.test(file)) return;
    changed.add(file);
    if (!working) void work();
  };
  const work = async () => {
    working = true;
    while (changed.size > 0) {
      await sleep(SETTLE_MS);
      const files = [...changed];
      changed.clear();
      await code.change(files);
    }
    working = false;
  };
  for (const folder of WATCHED)
    watch(folder, { recursive: true }, (_, file) => {
      if (file !== null) notice(join(folder, file).replaceAll("\\", "/"));
    });
  // Editors replace a file: a watch of the file itself would end with the first change.
  watch(".", (_, file) => {
    if (file !== null && resolve(file) === resolve(app)) notice(app);
  });
  say({ kind: "watching", functions: deployed.length });
}

process.stdin.resume();
process.stdin.on("close", () => process.exit(0));
main().catch((error: unknown) => {
  console.error(describeError(error));
  process.exit(1);
});
