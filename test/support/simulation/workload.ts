/** Random timers of the clients in a simulated world. */
import { TIMING_WHEEL_PERIODS_MS, type Schedule } from "../../../functions/timers/schedule/schedule";
import type { Timer, TimerKind, TimerOptions } from "../../../functions/timers/schedule/timer";
import type { Random } from "./random";

const MINUTE = 60_000;
const DAY = 86_400_000;

export interface Client {
  readonly kind: TimerKind;
  readonly id: string;
  readonly shard: string;
}

export interface Drawing {
  readonly version: string;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly random: Random;
}

export function drawTimer(client: Client, { version, now, random }: Drawing): Timer {
  const schedule = client.kind === "oneshot" ? oneshot(now, random) : periodic(now, random);
  const periodicOnly = schedule.kind !== "once";
  const isCounted = schedule.kind === "cron" && random.chance(0.4);
  return {
    ...client,
    version,
    schedule,
    data: '{"same":"for all timers"}',
    ...(periodicOnly && random.chance(0.15) && { startAt: now + random.whole(-5, 20) * MINUTE }),
    ...(periodicOnly && random.chance(0.15) && { endAt: now + random.whole(5, 60) * MINUTE }),
    ...(isCounted && { firesLeft: random.whole(1, 8) }),
    ...(random.chance(0.2) && { jitterSeconds: random.of([1, 30, 300]) }),
    ...(random.chance(0.5) && { options: isCounted ? { catchUp: "latest" } : drawOptions(random) }),
    enabled: random.chance(0.95),
    putAt: now,
  };
}

function drawOptions(random: Random): TimerOptions {
  return {
    ...(random.chance(0.4) && { callback: "billing" }),
    ...(random.chance(0.4) && { catchUp: random.of<"latest" | number>(["latest", "latest", 1, 60, 900]) }),
    ...(random.chance(0.4) && { overlap: "skip" }),
    ...(random.chance(0.3) && { maxAttempts: random.of([1, 2, 12]) }),
    ...(random.chance(0.2) && { maxAgeSeconds: random.of([5, 60, 600]) }),
  };
}

function oneshot(now: number, random: Random): Schedule {
  // At the edges of the dispatcher's windows.
  if (random.chance(0.2))
    return { kind: "once", at: (Math.floor(now / MINUTE) + random.whole(0, 20)) * MINUTE + random.of([-1, 0, 1]) };
  const ahead = random.of([-60_000, -1, 0, 1, 1_000, 130_000, 180_000, 599_999, 600_000, 600_001, 900_000, 2_400_000]);
  return { kind: "once", at: now + ahead + (random.chance(0.3) ? random.whole(-2_000, 2_000) : 0) };
}

function periodic(now: number, random: Random): Schedule {
  const kind = random.whole(0, 9);
  if (kind < 3)
    return {
      kind: "cron",
      expression: random.of([
        "*/7 * * * ? *",
        "* * * * ? *",
        "5,6,40 * * * ? *",
        "*/5 * * * ? *",
        "17 * * * ? *",
        "*/20 0-3,6-9 * * ? *",
        "10 2,3 ? * SAT,SUN *",
      ]),
      timeZone: random.of(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    };
  if (kind === 3) {
    // The longest period too: its slot is the last range of a window.
    const periodMs = random.of([DAY, Math.max(...TIMING_WHEEL_PERIODS_MS)]);
    const phase = (now + random.whole(1, 40) * MINUTE) % periodMs;
    return { kind: "every", periodMs, phaseMs: phase - (phase % 1_000) };
  }
  const periodMs =
    kind < 5
      ? random.whole(MINUTE, 20 * MINUTE)
      : random.of(TIMING_WHEEL_PERIODS_MS.filter((period) => period <= 60 * MINUTE));
  const phase = random.whole(0, periodMs - 1);
  // Mostly whole seconds, as in practice.
  return { kind: "every", periodMs, phaseMs: random.chance(0.7) ? phase - (phase % 1_000) : phase };
}
