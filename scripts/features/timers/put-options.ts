/** Builds the request of a timer from the options of `almanac timers put`. */
import type { OneshotInput, PeriodicInput, PeriodicSchedule } from "../../../functions/timers/api/api-types";
import { errorMessage } from "../../../functions/shared/errors";
import { hasExactNumbers, INEXACT } from "../../../functions/shared/json-text";
import type { Command } from "commander";
import { UsageError } from "../../shared/terminal/command-line";
import { parseDuration } from "../../shared/terminal/duration";

/** As commander parses them: text, unless the option is a switch. */
export interface PutOptions {
  readonly data?: string;
  readonly shard?: string;
  readonly jitter?: string;
  readonly ifVersion?: string;
  readonly new?: boolean;
  readonly minute?: string;
  readonly second?: string;
  readonly every?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly start?: string;
  readonly end?: string;
  readonly maxFires?: string;
  readonly disabled?: boolean;
  readonly at?: string;
  readonly in?: string;
  readonly callback?: string;
  readonly catchUp?: string;
  readonly overlap?: string;
  readonly maxAttempts?: string;
  readonly maxAge?: string;
  readonly history?: boolean;
}

/** The options of a timer, for `put` and `preview`. */
export function withSchedule(command: Command): Command {
  return command
    .option("--minute <0-59>", "each hour at this minute (default: 40 minutes from now)")
    .option("--second <0-59>", "of the minute, with --minute or --every")
    .option("--every <interval>", '"15 minutes" or 15m: 1 minute to 365 days')
    .option("--cron <expression>", '"0 17 * * ? *", in EventBridge\'s syntax')
    .option("--time-zone <name>", "of --cron (default: UTC), or of --at without an offset: Europe/Berlin")
    .option("--start <time>", "no fire before this time: 2026-11-21T17:00:00Z")
    .option("--end <time>", "no fire after this time")
    .option("--max-fires <count>", "stops after this many fires")
    .option("--at <time>", "fires once, at this time")
    .option("--in <time>", "fires once, in 90s, 15m, 2h or 7d")
    .option("--jitter <seconds>", "delays each fire by 0 to this many seconds, 300 at most");
}

/** One-shot with --at or --in, else periodic. The API validates the fields. */
export type PutInput =
  | { readonly kind: "periodic"; readonly timer: PeriodicInput }
  | { readonly kind: "oneshot"; readonly timer: OneshotInput };

const PERIODIC_OPTIONS = ["minute", "second", "every", "cron", "start", "end", "maxFires"] as const;

/** @throws {@link UsageError} */
export function putInputOf(options: PutOptions): PutInput {
  const { data, shard, jitter, disabled, ifVersion, at, timeZone, in: delay } = options;
  const common = {
    ...(data !== undefined && { timerCallbackData: jsonOf(data) }),
    ...(shard !== undefined && { shardId: shard }),
    ...(jitter !== undefined && { jitterSeconds: numberOf("--jitter", jitter) }),
    ...(disabled === true && { enabled: false }),
    ...policiesOf(options),
    ...(options.new === true ? { ifVersion: null } : ifVersion !== undefined && { ifVersion }),
  };
  if (at !== undefined || delay !== undefined) {
    const other = PERIODIC_OPTIONS.find((option) => options[option] !== undefined);
    if (other !== undefined)
      throw new UsageError(
        `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: is not for a timer that fires once (--at, --in)`,
      );
    if (at !== undefined && delay !== undefined) throw new UsageError("--at and --in: one of the two");
    if (at !== undefined)
      return { kind: "oneshot", timer: { ...common, at, ...(timeZone !== undefined && { timeZone }) } };
    if (timeZone !== undefined) throw new UsageError("--time-zone: requires --at or --cron");
    return { kind: "oneshot", timer: { ...common, delaySeconds: secondsOf("--in", delay ?? "") } };
  }
  const { start, end, maxFires } = options;
  return {
    kind: "periodic",
    timer: {
      ...common,
      ...scheduleOf(options),
      ...(start !== undefined && { startAt: start }),
      ...(end !== undefined && { endAt: end }),
      ...(maxFires !== undefined && { maxFires: numberOf("--max-fires", maxFires) }),
    },
  };
}

/** @throws {@link UsageError} */
function policiesOf({ callback, catchUp, overlap, maxAttempts, maxAge, history }: PutOptions): Policies {
  const retry = {
    ...(maxAttempts !== undefined && { maxAttempts: numberOf("--max-attempts", maxAttempts) }),
    ...(maxAge !== undefined && { maxAgeSeconds: secondsOf("--max-age", maxAge) }),
  };
  return {
    ...(callback !== undefined && { callback }),
    ...(catchUp !== undefined && {
      catchUp: catchUp === "all" || catchUp === "latest" ? catchUp : secondsOf("--catch-up", catchUp),
    }),
    ...((overlap === "allow" || overlap === "skip") && { overlap }),
    ...(Object.keys(retry).length > 0 && { retry }),
    ...(history !== undefined && { history }),
  };
}

type Policies = Pick<PeriodicInput, "callback" | "catchUp" | "overlap" | "retry" | "history">;

/** @throws {@link UsageError} */
function scheduleOf({ minute, second, every, cron, timeZone }: PutOptions): PeriodicSchedule {
  const reject = (option: string, others: Readonly<Record<string, string | undefined>>): void => {
    const other = Object.keys(others).find((name) => others[name] !== undefined);
    if (other !== undefined) throw new UsageError(`${other}: cannot be combined with ${option}`);
  };
  const secondOfMinute = second === undefined ? {} : { secondOfMinute: numberOf("--second", second) };
  if (cron !== undefined) {
    reject("--cron", { "--every": every, "--minute": minute, "--second": second });
    return { cron, ...(timeZone !== undefined && { timeZone }) };
  }
  if (timeZone !== undefined) throw new UsageError("--time-zone: requires --cron");
  if (every !== undefined) {
    reject("--every", { "--minute": minute });
    const seconds = parseDuration(every);
    // The API validates any other text.
    return { every: seconds === undefined ? every : `${seconds} seconds`, ...secondOfMinute };
  }
  return { ...(minute !== undefined && { minuteOfHour: minute }), ...secondOfMinute };
}

function jsonOf(text: string): unknown {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`--data: is not JSON (${errorMessage(cause)})`, { cause });
  }
  if (!hasExactNumbers(text)) throw new UsageError(`--data: ${INEXACT}`);
  return data;
}

function numberOf(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${option}: "${text}" is not a whole number`);
  return Number(text);
}

function secondsOf(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new UsageError(`${option}: "${text}" is not a time such as 90s, 15m, 2h or 7d`);
  return seconds;
}
