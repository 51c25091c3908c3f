/** Builds the request of a timer from the options of `almanac timers put`. */
import type { OneshotInput, PeriodicInput, PeriodicSchedule } from "../../../functions/timers/api/api-types";
import { errorMessage } from "../../../functions/shared/errors";
import { UsageError } from "../../shared/command-line";
import { parseDuration } from "../../shared/duration";

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
}

/** One-shot with --at or --in, else periodic. The API validates the fields. */
export type PutInput =
  | { readonly kind: "periodic"; readonly timer: PeriodicInput }
  | { readonly kind: "oneshot"; readonly timer: OneshotInput };

const PERIODIC_OPTIONS = [
  "minute",
  "second",
  "every",
  "cron",
  "timeZone",
  "start",
  "end",
  "maxFires",
] as const;

/** @throws {@link UsageError} */
export function putInputOf(options: PutOptions): PutInput {
  const { data, shard, jitter, disabled, ifVersion, at, in: delay } = options;
  const common = {
    ...(data !== undefined && { timerCallbackData: jsonOf(data) }),
    ...(shard !== undefined && { shardId: shard }),
    ...(jitter !== undefined && { jitterSeconds: numberOf("--jitter", jitter) }),
    ...(disabled === true && { enabled: false }),
    ...(options.new === true ? { ifVersion: null } : ifVersion !== undefined && { ifVersion }),
  };
  if (at !== undefined || delay !== undefined) {
    const other = PERIODIC_OPTIONS.find((option) => options[option] !== undefined);
    if (other !== undefined)
      throw new UsageError(
        `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: is not for a timer that fires once (--at, --in)`,
      );
    if (at !== undefined && delay !== undefined) throw new UsageError("--at and --in: one of the two");
    return {
      kind: "oneshot",
      timer: at !== undefined ? { ...common, at } : { ...common, delaySeconds: secondsOf(delay ?? "") },
    };
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
    return { every, ...secondOfMinute };
  }
  return { ...(minute !== undefined && { minuteOfHour: minute }), ...secondOfMinute };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`--data: is not JSON (${errorMessage(cause)})`, { cause });
  }
}

function numberOf(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${option}: "${text}" is not a whole number`);
  return Number(text);
}

function secondsOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new UsageError(`--in: "${text}" is not a time such as 90s, 15m, 2h or 7d`);
  return seconds;
}
