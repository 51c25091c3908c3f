import { environmentClock } from "../../../scripts/console/readers/clock";
import type { ClockState } from "../../../scripts/emulator/clock";

const NOW = Date.parse("2026-11-21T06:56:00.000Z");
const HOUR_MS = 3_600_000;
const LOCAL = { region: "eu-central-1", endpoint: "http://127.0.0.1:4566" };

function setup(state: Partial<ClockState> | Error) {
  const read = jest.fn((_endpoint: string): Promise<ClockState> => {
    if (state instanceof Error) return Promise.reject(state);
    return Promise.resolve({
      ...{ nowMs: NOW + HOUR_MS, offsetMs: HOUR_MS, moving: false, untilMs: null, speed: 1, steps: 3 },
      ...{ error: null, ran: { "timers-dispatch": 3, "heartbeats-check": 2 }, failed: { "heartbeats-check": 1 } },
      ...state,
    });
  });
  return { read, clock: environmentClock(() => NOW, read) };
}

describe("the time of the views", () => {
  it("is the emulator's, once that was read", async () => {
    const { clock } = setup({});
    await expect(clock.read(LOCAL)).resolves.toEqual({
      ...{ aheadMs: HOUR_MS, isMoving: false, speed: 1, invocations: 5, failed: 1 },
    });
    expect(clock.now()).toBe(NOW + HOUR_MS);
  });

  it("says where it is being moved to, and why it was not", async () => {
    const { clock } = setup({ moving: true, untilMs: NOW + 2 * HOUR_MS, error: "still busy: timers-dispatch" });
    await expect(clock.read(LOCAL)).resolves.toMatchObject({
      ...{ isMoving: true, until: "2026-11-21T08:56:00.000Z", error: "still busy: timers-dispatch" },
    });
  });

  it.each([
    ["AWS, which is not asked", { region: "eu-central-1" }, 0],
    ["an emulator that has no such clock", LOCAL, 1],
  ])("is the machine's with %s", async (_, aws, asked) => {
    const { clock, read } = setup(new Error("not found"));
    await expect(clock.read(aws)).resolves.toBeUndefined();
    expect(clock.now()).toBe(NOW);
    expect(read).toHaveBeenCalledTimes(asked);
  });
});
