/**
 * Bundles the handlers of an app beside its synthesis. Constructs need the names of their zips only, so that a thread makes the zips while the
 * stacks are written.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { MessageChannel, Worker, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import * as z from "zod";
import { BundleCache, PROJECT, nameOf } from "./cache";
import { handlerEntries } from "./handlers";
import { writeAtomically } from "./write-atomically";

/** Far more than it takes. A thread that does not answer would stop the synthesis for ever. */
const MAX_WAIT_MS = 600_000;

/** A function of ours around a handler of the user's. */
export interface HandlerWrapper {
  /** Relative to the project. */
  readonly file: string;
  /** Its export: takes a handler and returns one. */
  readonly name: string;
}

/** Those of this process that are not bundled yet. */
const requested = new Set<string>();

/** Those that are: later changes to their sources are ignored. */
const bundled = new Set<string>();

let thread: BundlingThread | undefined;

/** Those that are bundled before it is known which are needed. */
let ahead: ReadonlySet<string> = new Set();

/** Where a handler's zip is after {@link finishBundling}. */
export function zipOf(entry: string, wrapper?: HandlerWrapper): string {
  const source = wrapper === undefined ? entry : wrapped(entry, wrapper);
  if (!bundled.has(source)) requested.add(source);
  return new BundleCache().zipFileOf(source);
}

/**
 * Where nothing has been bundled yet, begins with all handlers of the project before cdktf is loaded, on a processor that has nothing to do until
 * then. Those that no environment needs wait in the cache.
 */
export function bundleAhead(handlers: () => readonly string[] = handlerEntries): void {
  if (thread !== undefined || !new BundleCache().isEmpty) return;
  const entries = handlers();
  ahead = new Set(entries);
  thread = new BundlingThread();
  thread.add(entries);
}

/** Begins to bundle the handlers whose zips were asked for. */
export function startBundling(): void {
  const entries = [...requested].filter((entry) => !ahead.has(entry));
  const stale = new BundleCache().staleAmong(entries);
  if (stale.length > 0) {
    thread ??= new BundlingThread();
    thread.add(stale);
  }
  for (const entry of entries) {
    requested.delete(entry);
    bundled.add(entry);
  }
}

/**
 * Waits for all zips that were asked for.
 *
 * @throws Error with esbuild's messages when a handler does not build
 */
export function finishBundling(): void {
  // Those ahead come second: one that does not build fails only where it is needed.
  do {
    startBundling();
    const running = thread;
    const early = ahead;
    thread = undefined;
    ahead = new Set();
    for (const { entries, message } of running?.wait() ?? []) {
      if (entries.every((entry) => early.has(entry))) continue;
      for (const entry of entries) bundled.delete(entry);
      throw new Error(message);
    }
  } while (requested.size > 0);
}

const failureSchema = z.object({ batch: z.number(), message: z.string() });

interface Failure {
  readonly entries: readonly string[];
  readonly message: string;
}

class BundlingThread {
  /** How many batches have ended. */
  private readonly done = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  private readonly batches: (readonly string[])[] = [];
  private readonly failures: MessagePort;
  private readonly worker: Worker;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.failures = port1;
    this.worker = new Worker(join(__dirname, "thread.cjs"), {
      execArgv: [],
      workerData: { done: this.done, failures: port2 },
      transferList: [port2],
    });
    // A synthesis that fails ends without waiting.
    this.worker.unref();
  }

  add(entries: readonly string[]): void {
    this.worker.postMessage({ batch: this.batches.length, entries });
    this.batches.push(entries);
  }

  wait(): readonly Failure[] {
    for (;;) {
      const ended = Atomics.load(this.done, 0);
      if (ended === this.batches.length) break;
      if (Atomics.wait(this.done, 0, ended, MAX_WAIT_MS) === "timed-out")
        throw new Error("Bundling the handlers took longer than ten minutes");
    }
    void this.worker.terminate();
    const failures: Failure[] = [];
    for (let next = receiveMessageOnPort(this.failures); next !== undefined;) {
      const { batch, message } = failureSchema.parse(next.message);
      failures.push({ entries: this.batches[batch] ?? [], message });
      next = receiveMessageOnPort(this.failures);
    }
    this.failures.close();
    return failures;
  }
}

/** @returns a handler in the cache, around the user's */
function wrapped(entry: string, { file, name }: HandlerWrapper): string {
  const generated = `.almanac/bundles/wrapped/${nameOf(entry)}.ts`;
  const directory = dirname(join(PROJECT, generated));
  const importOf = (path: string) => JSON.stringify(relative(directory, join(PROJECT, path)).replaceAll("\\", "/"));
  const source = [
    `import { handler as own } from ${importOf(entry)};`,
    `import { ${name} } from ${importOf(file)};`,
    `export const handler = ${name}(own);`,
    "",
  ].join("\n");
  const path = join(PROJECT, generated);
  if (!existsSync(path) || readFileSync(path, "utf8") !== source) writeAtomically(path, source);
  return generated;
}
