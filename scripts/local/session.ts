/** What `npm start` does while it runs: shows what functions log, puts changed handlers into them, and applies other changes on Enter. */
import type { Colors } from "picocolors/types";
import { followFunctions, type FunctionLine } from "../emulator/function-logs";
import { describeError } from "../shared/errors";
import { describeLiveEvent } from "./live/describe";
import type { LiveEvent } from "./live/events";
import { watchSources } from "./live/run";

export interface SessionOptions {
  readonly endpoint: string;
  /** The folder of the deployed stack. */
  readonly stack: string;
  /** The CDKTF app. */
  readonly app: string;
  /** Deploys, and shows how. */
  readonly apply: () => Promise<void>;
  /** Undefined: a line that people need not see. */
  readonly describeLine: (line: FunctionLine) => string | undefined;
  readonly colours: Colors;
  readonly print: (text: string) => void;
  /** Where Enter comes from. It is read only while a change waits for it. */
  readonly input: NodeJS.ReadStream;
  /** Aborted: the session ends. */
  readonly signal: AbortSignal;
}

export function openSession(options: SessionOptions): void {
  const { endpoint, stack, app, print, colours, signal } = options;
  let stopWatching: (() => void) | undefined;

  const watch = () => {
    if (signal.aborted) return;
    stopWatching = watchSources({ endpoint, stack, app, onEvent, onError: print });
  };
  const onEvent = (event: LiveEvent) => {
    const text = describeLiveEvent(event, colours);
    if (text !== undefined) print(text);
    if (event.kind === "stack") awaitEnter();
  };
  let waiting = false;
  const awaitEnter = () => {
    if (waiting) return;
    waiting = true;
    options.input.once("data", () => {
      waiting = false;
      options.input.pause();
      stopWatching?.();
      void options
        .apply()
        .catch((error: unknown) => {
          print(`${colours.red("Not applied:")} ${describeError(error)}`);
        })
        .then(watch);
    });
    options.input.resume();
  };

  watch();
  void showLines(options);
  signal.addEventListener("abort", () => {
    stopWatching?.();
    options.input.pause();
  });
}

async function showLines({ endpoint, describeLine, print, signal }: SessionOptions): Promise<void> {
  for await (const line of followFunctions(endpoint, signal)) {
    const text = describeLine(line);
    if (text !== undefined) print(text);
  }
}
