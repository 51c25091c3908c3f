/**
 * Puts changed handlers into their functions, as a process of its own. Arguments: the home of npm start, the app, and since when changes
 * count, in epoch milliseconds. Prints {@link LiveEvent}s, one a line; ends with its standard input.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LambdaClient, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import { watch } from "chokidar";
import * as z from "zod";
import { errorMessage } from "../../../functions/shared/errors";
import { cachedBundles, type CachedBundle } from "../../../modules/constructs/bundling/bundle";
import { IncrementalBundler } from "../../../modules/constructs/bundling/incremental";
import { readRunning } from "../../emulator/run-record";
import { homeAt } from "../../shared/home";
import { describeError } from "../../shared/terminal/errors";
import { rememberedState } from "../../terraform/deployed-state";
import { awsSettingsOf, readStateBackend } from "../../terraform/state-bucket";
import { codeSha256Of, currentCode, deployedFunctions } from "./deployed-functions";
import type { LiveEvent } from "./events";
import { BuildError, LiveCode, type Bundled, type LiveCodePorts } from "./live-code";
import { typeErrorsIn } from "./type-errors";

/** Editors write a file in several steps, and save several files at once. */
const SETTLE_MS = 30;

/** Within 50 ms of an event, chokidar reports no other one of a file. */
const UNREPORTED_MS = 60;

/** Beside the files of handlers, which may be anywhere. */
const WATCHED = ["functions", "modules", "clients", "workflows"];

const SOURCE = /\.(ts|json)$/;

function say(event: LiveEvent): void {
  console.log(JSON.stringify(event));
}

const withCode = (bundle: CachedBundle): Bundled => ({
  ...bundle,
  codeSha256: codeSha256Of(readFileSync(bundle.zipFile)),
});

function portsOf(lambda: LambdaClient): LiveCodePorts {
  let types = new AbortController();
  const bundler = new IncrementalBundler();
  return {
    say,
    elapsed: () => performance.now(),
    contentOf: (file) => {
      try {
        return createHash("sha256").update(readFileSync(file)).digest("base64");
      } catch {
        return undefined; // deleted
      }
    },
    build: async (entries) => {
      await bundler.bundle(entries).catch((error: unknown) => {
        throw buildErrorOf(error, entries);
      });
      return cachedBundles()
        .filter(({ entry }) => entries.includes(entry))
        .map(withCode);
    },
    put: async (FunctionName, zipFile) => {
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: readFileSync(zipFile) }));
    },
    stopTypeCheck: () => {
      types.abort();
    },
    typeErrors: async (files) => {
      types.abort();
      const { signal } = (types = new AbortController());
      const existing = files.filter(
        (file) => file.endsWith(".ts") && statSync(file, { throwIfNoEntry: false })?.isFile() === true,
      );
      if (existing.length === 0) return [];
      try {
        const errors = await typeErrorsIn(existing, signal);
        return signal.aborted ? undefined : errors;
      } catch (error) {
        if (signal.aborted) return undefined;
        return [{ file: "", text: `Types could not be checked: ${describeError(error)}` }];
      }
    },
  };
}

const failureSchema = z.object({
  errors: z.array(z.object({ text: z.string(), location: z.object({ file: z.string() }).nullable() })),
});

/** esbuild gives no location for a handler that was deleted, but its name. */
function buildErrorOf(error: unknown, entries: readonly string[]): BuildError {
  const errors = failureSchema.safeParse(error).data?.errors ?? [];
  const files = errors.flatMap(({ text, location }) =>
    location === null ? entries.filter((entry) => text.includes(`"${entry}"`)) : [location.file],
  );
  return new BuildError(errorMessage(error), files);
}

/** Differs once a file was written again. */
function stampOf(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return `${stats?.ino} ${stats?.mtimeNs} ${stats?.size}`;
}

async function main(folder: string, appFile: string, since: number): Promise<void> {
  const app = relative(".", resolve(appFile)).replaceAll("\\", "/");
  const home = homeAt(folder);
  const endpoint = (await readRunning(home))?.endpoint ?? "";
  // What is synthesized may have been refused.
  const backend = (await rememberedState(home.deployedState, endpoint)) ?? (await readStateBackend(home.stack));
  const lambda = new LambdaClient(awsSettingsOf(backend));
  const [deployed, current] = await Promise.all([deployedFunctions(backend), currentCode(lambda)]);
  const ports = portsOf(lambda);
  process.on("exit", ports.stopTypeCheck);
  const code = new LiveCode(deployed, current, cachedBundles().map(withCode), app, ports);

  const changed = new Set<string>();
  let [ready, working] = [false, false];
  const work = async () => {
    working = true;
    while (changed.size > 0) {
      await sleep(SETTLE_MS);
      const files = [...changed];
      changed.clear();
      const before = files.map(stampOf);
      await code.change(files);
      await sleep(UNREPORTED_MS);
      for (const [index, file] of files.entries()) if (stampOf(file) !== before[index]) changed.add(file);
      addToWatched(code.files);
    }
    working = false;
  };
  const watched = new Set([...WATCHED, app, ...code.files]);
  /** Only new ones: while chokidar adds a file again, it reports no change of it. */
  const addToWatched = (files: readonly string[]) => {
    const added = files.filter((file) => !watched.has(file));
    for (const file of added) watched.add(file);
    if (added.length > 0) watcher.add(added);
  };
  const watcher = watch([...watched], { alwaysStat: true });
  watcher.on("all", (_, path, stats) => {
    if (!SOURCE.test(path)) return;
    const file = path.replaceAll("\\", "/");
    if (!ready) {
      // A file that was moved here keeps the time of its content.
      const isAsApplied = (stats?.ctimeMs ?? 0) < since;
      code.remember(file, isAsApplied);
      if (isAsApplied) return;
    }
    changed.add(file);
    if (ready && !working) void work();
  });
  watcher.on("error", (error) => {
    console.error(describeError(error));
  });
  await once(watcher, "ready");
  ready = true;
  say({ kind: "watching", functions: code.functions.length });
  await work();
}

// Ctrl-C reaches each process of a terminal.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => process.exit(0));
process.stdin.resume();
process.stdin.on("close", () => process.exit(0));
const [home = "", app = "", since] = process.argv.slice(2);
main(home, app, Number(since)).catch((error: unknown) => {
  console.error(describeError(error));
  process.exit(1);
});
