/**
 * Bundles the handlers of an app beside its synthesis. Constructs need the names of their zips only, so that a thread makes the zips while the
 * stacks are written.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { MessageChannel, Worker, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { BundleCache, PROJECT, nameOf } from "./cache";
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

/** Where a handler's zip is after {@link finishBundling}. */
export function zipOf(entry: string, wrapper?: HandlerWrapper): string {
  const source = wrapper === undefined ? entry : wrapped(entry, wrapper);
  if (!bundled.has(source)) requested.add(source);
  return new BundleCache().zipFileOf(source);
}

/** Begins to bundle the handlers whose zips were asked for. */
export function startBundling(): void {
  if (thread !== undefined) return;
  const entries = [...requested];
  const stale = new BundleCache().staleAmong(entries);
  if (stale.length > 0) thread = new BundlingThread(stale);
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
  // Those that were asked for after the start come second.
  do {
    startBundling();
    const running = thread;
    thread = undefined;
    running?.wait();
  } while (requested.size > 0);
}

class BundlingThread {
  private readonly done = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  private readonly failure: MessagePort;

  constructor(private readonly entries: readonly string[]) {
    const { port1, port2 } = new MessageChannel();
    this.failure = port1;
    const worker = new Worker(join(__dirname, "thread.cjs"), {
      execArgv: [],
      workerData: { entries, done: this.done, failure: port2 },
      transferList: [port2],
    });
    // A synthesis that fails ends without waiting.
    worker.unref();
  }

  wait(): void {
    const isTimeout = Atomics.wait(this.done, 0, 0, MAX_WAIT_MS) === "timed-out";
    const failure: unknown = receiveMessageOnPort(this.failure)?.message;
    this.failure.close();
    if (!isTimeout && failure === undefined) return;
    for (const entry of this.entries) bundled.delete(entry);
    throw new Error(typeof failure === "string" ? failure : "Bundling the handlers took longer than ten minutes");
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
