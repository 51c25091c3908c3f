import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import pico from "picocolors";
import type { LiveOptions } from "../../../scripts/local/live/run";
import { openSession } from "../../../scripts/local/session";

const sessions: AbortController[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.abort();
});

type Watch = Pick<LiveOptions, "since" | "onEvent">;

function setup({ apply = () => Promise.resolve() }: { readonly apply?: () => Promise<void> } = {}) {
  const input = new PassThrough();
  const printed: string[] = [];
  const watches: Watch[] = [];
  const session = new AbortController();
  const counts = { applied: 0, stopped: 0 };
  const terminal = { isOurs: true };
  const deployed: { at: string; readMs?: number } = { at: "2026-11-26T10:00:00Z" };
  openSession({
    async *lines() {
      await Promise.resolve();
      yield { time: 0, functionName: "almanac-local-timers-api", message: "one" };
      yield { time: 0, functionName: "almanac-local-timers-api", message: "hidden" };
    },
    describeLine: ({ message }) => (message === "hidden" ? undefined : message),
    since: 17,
    watch: (options) => {
      watches.push(options);
      return () => {
        counts.stopped += 1;
      };
    },
    deployment: () => Promise.resolve({ ...deployed }),
    apply: () => {
      counts.applied += 1;
      return apply();
    },
    canRead: () => terminal.isOurs,
    ...{ colours: pico.createColors(false), print: (text) => printed.push(text), input, signal: session.signal },
  });
  const change = () => {
    watches.at(-1)?.onEvent({ kind: "stack", files: ["main.ts"] });
  };
  const enter = async () => {
    await sleep(110);
    input.write("\n");
    await sleep(10);
  };
  sessions.push(session);
  return { input, printed, watches, counts, session, change, enter, terminal, deployed };
}

it("shows what functions log, and what becomes live", async () => {
  const { printed, watches } = setup();
  watches[0]?.onEvent({ kind: "live", functions: ["timers-api"], seconds: 0.4 });
  await sleep(1);
  expect(printed).toEqual(["live after 0.4 s: timers-api", "one"]);
  expect(watches.map(({ since }) => since)).toEqual([17]);
});

it("applies a change of the stack on Enter, and watches on from then", async () => {
  const { counts, change, enter, watches } = setup();
  const began = Date.now();
  change();
  expect(counts.applied).toBe(0);
  await enter();
  expect(counts).toEqual({ applied: 1, stopped: 1 });
  expect(watches).toHaveLength(2);
  expect(watches[1]?.since).toBeGreaterThanOrEqual(began);
});

it("applies nothing once the change was undone; what was refused waits all the same", async () => {
  let isRefused = false;
  const apply = () => (isRefused ? Promise.reject(new Error("refused")) : Promise.resolve());
  const { input, counts, change, enter, watches, printed } = setup({ apply });
  const undo = () => {
    watches.at(-1)?.onEvent({ kind: "undone" });
  };
  change();
  undo();
  expect(printed.at(-1)).toBe("The change was undone: nothing to apply.");
  expect(input.isPaused()).toBe(true);
  await enter();
  expect(counts.applied).toBe(0);
  isRefused = true;
  change();
  await enter();
  expect(printed.at(-1)).toContain("Press Enter to try again");
  change();
  undo();
  isRefused = false;
  await enter();
  expect(counts.applied).toBe(2);
});

it("reads no input unless a change waits for it: a job in the background is stopped when it reads", async () => {
  const { input, counts, change, enter } = setup();
  expect(input.isPaused()).toBe(true);
  await enter();
  change();
  expect(input.isPaused()).toBe(false);
  // An Enter from before is no answer.
  await sleep(10);
  expect(counts.applied).toBe(0);
  await enter();
  expect(counts.applied).toBe(1);
  expect(input.isPaused()).toBe(true);
});

it("reads nothing in the background of its shell, says so, and reads once it is in the foreground", async () => {
  const { input, printed, counts, change, enter, terminal } = setup();
  terminal.isOurs = false;
  change();
  expect(input.isPaused()).toBe(true);
  expect(printed.at(-1)).toContain("in the background");
  terminal.isOurs = true;
  while (input.isPaused()) await sleep(10);
  terminal.isOurs = false;
  while (!input.isPaused()) await sleep(10);
  terminal.isOurs = true;
  while (input.isPaused()) await sleep(10);
  await enter();
  expect(counts.applied).toBe(1);
});

it("watches what another terminal has deployed, from when that has read the sources", async () => {
  const { counts, watches, deployed, printed, change, input } = setup();
  await sleep(10);
  change();
  Object.assign(deployed, { at: "2026-11-26T10:05:00Z", readMs: 18 });
  while (watches.length < 2) await sleep(10);
  expect(watches[1]?.since).toBe(18);
  expect(counts).toEqual({ applied: 0, stopped: 1 });
  expect(printed.at(-1)).toContain("another command");
  // What waited for Enter may be applied: the watcher reports it again if not.
  expect(input.isPaused()).toBe(true);
});

it("watches once after its own deployment", async () => {
  const applied = () => {
    deployed.at = "2026-11-26T10:05:00Z";
    return Promise.resolve();
  };
  const { counts, watches, deployed, change, enter } = setup({ apply: applied });
  await sleep(10);
  change();
  await enter();
  await sleep(1_100);
  expect([watches.length, counts.stopped]).toEqual([2, 1]);
});

it("says why a change is not applied, and asks again after the next", async () => {
  const { printed, counts, change, enter } = setup({ apply: () => Promise.reject(new RangeError("no such thing")) });
  change();
  await enter();
  expect(printed.join("\n")).toContain("Not applied: no such thing");
  change();
  await enter();
  expect(counts.applied).toBe(2);
});

it("tries again on Enter when a change was not applied: what was wrong may be outside the watched sources", async () => {
  let works = false;
  const apply = () => (works ? Promise.resolve() : Promise.reject(new RangeError("no such thing")));
  const { printed, counts, change, enter, input } = setup({ apply });
  change();
  await enter();
  expect(printed.at(-1)).toBe("What was deployed before runs on. Press Enter to try again.");
  works = true;
  await enter();
  expect(counts.applied).toBe(2);
  expect(input.isPaused()).toBe(true);
});

it("ends with its signal", async () => {
  const { counts, session, change, enter, input } = setup();
  change();
  session.abort();
  await enter();
  expect(counts).toEqual({ applied: 0, stopped: 1 });
  expect(input.isPaused()).toBe(true);
});
