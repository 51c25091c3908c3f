/** The environment's time: of `local`, the emulator's, which can be moved. */
import { readClock, totalOf, type ClockState } from "../../emulator/clock";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import type { ClockView } from "../contract";

export interface EnvironmentClock {
  /** Epoch milliseconds, by what was read last. */
  readonly now: () => number;
  /** Undefined: it cannot be moved. */
  readonly read: (aws: AwsSettings) => Promise<ClockView | undefined>;
}

/** @param machineNow epoch milliseconds */
export function environmentClock(
  machineNow: () => number,
  readState: (endpoint: string) => Promise<ClockState> = readClock,
): EnvironmentClock {
  let aheadMs = 0;
  return {
    now: () => machineNow() + aheadMs,
    read: async ({ endpoint }) => {
      // An emulator of the viewer's own does not answer.
      const state = endpoint === undefined ? undefined : await readState(endpoint).catch(() => undefined);
      aheadMs = state?.offsetMs ?? 0;
      return state && viewOf(state);
    },
  };
}

function viewOf({ offsetMs, moving, untilMs, speed, ran, failed, error }: ClockState): ClockView {
  return {
    aheadMs: offsetMs,
    isMoving: moving,
    ...(untilMs !== null && { until: new Date(untilMs).toISOString() }),
    speed,
    invocations: totalOf(ran),
    failed: totalOf(failed),
    ...(error !== null && { error }),
  };
}
