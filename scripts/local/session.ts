/** What `npm start` does while it runs: shows what functions log, puts changed handlers into them, and applies other changes on Enter. */
import type { Colors } from "picocolors/types";
import type { FunctionLine } from "../emulator/function-logs";
import { describeError } from "../shared/terminal/errors";
import { describeLiveEvent } from "./live/describe";
import type { LiveEvent } from "./live/events";
import type { LiveOptions } from "./live/run";

/** While a change waits for Enter: a job may go into the background of its shell, and come back. */
const LOOK_EVERY_MS = 1_000;

/** For a deployment from another terminal. */
const DEPLOYMENTS_EVERY_MS = 1_000;

/** Keys that were pressed before a question are no answer to it. */
const TYPED_BEFORE_MS = 100;

export interface Deployment {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** When the sources were begun to be read, in epoch milliseconds. */
  readonly readMs?: number | undefined;
}

export interface SessionOptions {
  /** Lines of functions, until the signal is aborted. */
  readonly lines: (signal: AbortSignal) => AsyncIterable<FunctionLine>;
  /** When what is deployed was begun to be read from the sources, in epoch milliseconds. */
  readonly since: number;
  /** Starts the watcher of the sources. @returns ends it */
  readonly watch: (options: Pick<LiveOptions, "since" | "onEvent">) => () => void;
  /** The last deployment, of any terminal. */
  readonly deployment: () => Promise<Deployment | undefined>;
  /** Deploys, and shows how. */
  readonly apply: () => Promise<void>;
  /** Undefined: a line that people need not see. */
  readonly describeLine: (line: FunctionLine) => string | undefined;
  readonly colours: Colors;
  readonly print: (text: string) => void;
  /** Where Enter comes from. */
  readonly input: NodeJS.ReadableStream;
  /** False: a shell stops this process when it reads its input. */
  readonly canRead: () => boolean;
  /** Aborted: the session ends. */
  readonly signal: AbortSignal;
}

export function openSession(options: SessionOptions): void {
  const { input, print, colours, signal, canRead } = options;
  let stopWatching: (() => void) | undefined;
  let waitingSince: number | undefined;
  let looking: ReturnType<typeof setInterval> | undefined;
  /** When the deployment was made whose functions are watched. */
  let watched: string | undefined;
  let applying = false;
  /** The last change could not be applied. */
  let isRefused = false;

  const readIfAllowed = () => {
    if (canRead()) input.resume();
    else input.pause();
  };
  const waitForEnter = () => {
    waitingSince = performance.now();
    readIfAllowed();
    looking = setInterval(readIfAllowed, LOOK_EVERY_MS);
    if (!canRead())
      print("This job is in the background: bring it to the foreground (fg), or run npm start elsewhere.");
  };
  const stopWaiting = () => {
    waitingSince = undefined;
    clearInterval(looking);
    input.pause();
  };

  const watch = (since: number) => {
    if (!signal.aborted) stopWatching = options.watch({ since, onEvent });
  };
  const onEvent = (event: LiveEvent) => {
    // As it was refused, it waits for a mend.
    if (event.kind === "undone" && isRefused) return;
    if (event.kind === "undone") stopWaiting();
    print(describeLiveEvent(event, colours));
    if (event.kind === "stack" && waitingSince === undefined) waitForEnter();
  };
  const apply = async () => {
    stopWaiting();
    stopWatching?.();
    const since = Date.now();
    applying = true;
    isRefused = false;
    try {
      await options.apply();
    } catch (error) {
      isRefused = true;
      print(`${colours.red("Not applied:")} ${describeError(error)}`);
    }
    watched = (await options.deployment())?.at;
    applying = false;
    watch(since);
    if (!isRefused || signal.aborted) return;
    print("What was deployed before runs on. Press Enter to try again.");
    // The mend may be outside the watched sources.
    waitForEnter();
  };
  /** Another terminal may have deployed: functions come and go. */
  const followDeployments = async () => {
    const before = watched;
    const found = await options.deployment();
    if (found === undefined || found.at === before || watched !== before || applying || signal.aborted) return;
    const isFirst = before === undefined;
    watched = found.at;
    if (isFirst) return;
    isRefused = false;
    print("Deployed by another command.");
    if (waitingSince !== undefined) stopWaiting();
    stopWatching?.();
    watch(found.readMs ?? Date.now());
  };
  const following = setInterval(() => void followDeployments(), DEPLOYMENTS_EVERY_MS);
  const onInput = () => {
    if (waitingSince !== undefined && performance.now() - waitingSince > TYPED_BEFORE_MS) void apply();
  };
  input.on("data", onInput);
  input.pause();
  signal.addEventListener("abort", () => {
    stopWatching?.();
    clearInterval(following);
    input.off("data", onInput);
    stopWaiting();
  });
  watch(options.since);
  void followDeployments();
  void showLines(options);
}

async function showLines({ lines, describeLine, print, signal }: SessionOptions): Promise<void> {
  for await (const line of lines(signal)) {
    const text = describeLine(line);
    if (text !== undefined) print(text);
  }
}
