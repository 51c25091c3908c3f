/** `almanac clock advance 1d`: what would happen until then, now. */
import { InvalidArgumentError } from "commander";
import { SECOND_MS } from "../../../functions/shared/time";
import { advanceClock, beginAdvance, readClock } from "../../emulator/clock";
import { describeClock, describeRan, instant } from "../../emulator/describe-clock";
import { requireRunning } from "../../emulator/run-record";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  UsageError,
  withHome,
  withJson,
  type JsonOption,
} from "../../shared/terminal/command-line";
import { homeAt } from "../../shared/home";
import { parseDuration } from "../../shared/terminal/duration";
import { parseTime } from "../../shared/terminal/time";
import { progressOn } from "../../shared/terminal/progress";

interface Options extends JsonOption {
  readonly home: string;
  /** Epoch milliseconds. */
  readonly until?: number;
  readonly wait: boolean;
}

export const command = () =>
  withJson(
    withHome(
      new DocumentedCommand({
        description:
          "Moves the clock of the emulator forward: to the next instant at which something is due, until what runs then has finished, and so on. " +
          "Schedules, timers, delayed messages and waiting tasks happen at their times, in order. Ctrl-C leaves the clock where it is.",
        examples: ["npx almanac clock advance 1d", "npx almanac clock advance --until 2026-12-24T06:00:00Z"],
      }),
    ),
  )
    .argument("[time]", "how far: 90s, 15m, 2h, 1d", durationOf)
    .option("--until <instant>", "to where: 2026-12-24T06:00:00Z", instantOf)
    .option("--no-wait", "only begin: `npx almanac clock status` shows how far it is")
    .action(exitCodeOf(run));

function durationOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds === 0) throw new InvalidArgumentError("Expected a duration such as 15m or 1d.");
  return seconds;
}

function instantOf(text: string): number {
  const time = parseTime(text);
  if (time === undefined) throw new InvalidArgumentError("Expected an instant such as 2026-12-24T06:00:00Z.");
  return time;
}

async function run(seconds: number | undefined, { home, json, until, wait }: Options): Promise<number> {
  if ((seconds === undefined) === (until === undefined))
    throw new UsageError("Pass how far (1d) or to where (--until 2026-12-24T06:00:00Z).");
  const { endpoint } = await requireRunning(homeAt(home));
  const { nowMs: from } = await readClock(endpoint);
  const to = until ?? from + (seconds ?? 0) * SECOND_MS;
  if (to <= from) throw new UsageError(`It is ${instant(from)} on the emulator already: the clock only moves forward.`);

  if (!wait) {
    const clock = await beginAdvance(endpoint, to);
    console.log(json ? JSON.stringify(clock) : describeClock(clock));
    return EXIT.ok;
  }
  const interrupt = new AbortController();
  process.once("SIGINT", () => {
    interrupt.abort();
  });
  const progress = progressOn(process.stderr, () => performance.now());
  const clock = await advanceClock(endpoint, to, {
    signal: interrupt.signal,
    onProgress: ({ nowMs, steps }) => {
      progress.show((nowMs - from) / (to - from), `${instant(nowMs)}, ${steps} instants`);
    },
  }).finally(() => {
    progress.end();
  });
  console.log(json ? JSON.stringify(clock) : `${describeRan(clock)}\n\n${describeClock(clock)}`);
  return EXIT.ok;
}
