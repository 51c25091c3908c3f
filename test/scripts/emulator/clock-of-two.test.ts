/** Two consoles, or a console and a command, that change the clock of one emulator. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { advanceClock, type ClockState } from "../../../scripts/emulator/clock";
import { askLauncher } from "../../../scripts/emulator/control";

jest.mock("../../../scripts/emulator/control");

/** The server's own routes, without services. A move never ends by itself. */
const TWO_MOVES = `
import asyncio, json, sys
sys.path.insert(0, "scripts/emulator/server")
import advance, kept_state

kept_state.stores = lambda: {}
kept = kept_state.KeptState(sys.argv[1], {})
clock = advance.Advance(sys.argv[2])
def on_and_on(until):
    advance.clock.set(3600)
    while not clock._stopped:
        advance.real_sleep(0.01)
clock._move = on_and_on
routes = advance.clock_routes(clock, kept)
move = routes["POST", "/_almanac/clock/advance"]

async def both():
    body = {"untilMs": (advance.clock.now() + 7200) * 1000}
    first = asyncio.create_task(kept.save())
    await asyncio.sleep(0)
    ends = await asyncio.gather(move(body), move(body), return_exceptions=True)
    await first
    await routes["POST", "/_almanac/clock/stop"]({})
    return [str(each) if isinstance(each, Exception) else "moves" for each in ends]

print(json.dumps([asyncio.run(both()), kept_state.read(kept._before)[0]]))
`;

it("two commands that move the clock: the first moves it from a saved state, the second is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "almanac-clock-"));
  const { stdout } = await promisify(execFile)("python3", ["-c", TWO_MOVES, join(folder, "state"), folder]);
  expect(JSON.parse(stdout)).toEqual([["moves", "The clock is being moved already."], 0]);
  rmSync(folder, { recursive: true });
});

/** A rate limit's bucket, as MiniStack has it: tokens, and when they were counted last. */
const BACK_TO_NOW = `
import asyncio, json, sys, types
sys.path.insert(0, "scripts/emulator/server")
import kept_state

def module(name, **variables):
    sys.modules[name] = made = types.ModuleType(name)
    vars(made).update(variables)
    return made
none = types.SimpleNamespace(all_values=lambda: [], has_any=lambda: False)
Scoped = type("Scoped", (), {})
module("ministack", app=types.SimpleNamespace(_loaded_modules={}))
ended = []
module("ministack.core", lambda_runtime=types.SimpleNamespace(invalidate_worker=ended.append))
module("ministack.core.responses", AccountRegionScopedDict=Scoped, AccountScopedDict=Scoped, now_iso=None)
gateway = module("ministack.services.apigateway_v1", _throttle_state={("stage", "api"): (7.0, 100.0)}, _quota_state={})
module("ministack.services", stepfunctions=module("ministack.services.stepfunctions", _executions=none),
       lambda_svc=module("ministack.services.lambda_svc", _esms=none, _functions=types.SimpleNamespace(
           all_values=lambda: [{"config": {"FunctionName": "check"}}])))

kept = kept_state.KeptState(sys.argv[1], {})
kept._write(kept._before)
kept_state.clock.set(3600)
gateway._throttle_state["stage", "api"] = (6.0, 3700.0)

import activity, advance, threading
def retry():
    advance.sleep(100_000)
    ended.append("retried")
def approve():
    activity.Waiting().wait(100_000)
    ended.append("expired")
def poll():
    advance.sleep(1)
    ended.append("polls on")
def _poll_loop():
    poll()
def sweep():
    activity.activity.count_this_thread()
    advance.sleep_between_sweeps(threading.current_thread(), 100_000)
    ended.append("sweeps on")
threads = [activity.Working(target=target, daemon=True) for target in (retry, approve, _poll_loop)]
threads.append(threading.Thread(target=sweep, daemon=True))
for thread in threads:
    thread.start()
while len(activity.activity.sleepers) < 4:
    advance.real_sleep(0.001)

clock = advance.Advance(sys.argv[2])
clock._wait_until_quiet = lambda: ended.append(f"quiet at {kept_state.clock.offset}")
asyncio.run(advance.clock_routes(clock, kept)["POST", "/_almanac/clock/now"]({}))
for thread in threads:
    thread.join(5)
ended.append(f"{sum(thread.is_alive() for thread in threads)} wait")
print(json.dumps([kept_state.clock.offset, list(gateway._throttle_state.values()), ended]))
`;

it("back to now: what runs tomorrow ends first, nothing waits for an instant of it, no process remembers it, and its requests count for no rate limit of today", async () => {
  const folder = mkdtempSync(join(tmpdir(), "almanac-clock-"));
  const { stdout } = await promisify(execFile)("python3", ["-c", BACK_TO_NOW, join(folder, "state"), folder]);
  const [offset, states, ended] = z
    .tuple([z.number(), z.array(z.unknown()), z.array(z.string())])
    .parse(JSON.parse(stdout));
  expect([offset, states]).toEqual([0, [[7, 100]]]);
  expect(ended.slice(0, 2)).toEqual(["quiet at 3600", "check"]);
  expect(ended.slice(2).sort()).toEqual(["0 wait", "polls on", "sweeps on"]);
  rmSync(folder, { recursive: true });
});

describe("a command that moves the clock", () => {
  const NOW = Date.parse("2026-11-21T06:56:00.000Z");
  const UNTIL = NOW + 3_600_000;
  const still: ClockState = {
    ...{ nowMs: NOW, offsetMs: 0, moving: false, untilMs: null, speed: 1, steps: 0, error: null, ran: {}, failed: {} },
  };
  const moving: ClockState = { ...still, moving: true, untilMs: UNTIL + 0.0002 };
  const answers = (...states: readonly ClockState[]) => {
    for (const state of states) jest.mocked(askLauncher).mockResolvedValueOnce(state);
  };

  it("ends where it moves it", async () => {
    answers(moving, moving, { ...still, nowMs: UNTIL - 0.0002 });
    await expect(advanceClock("http://127.0.0.1:9", UNTIL)).resolves.toMatchObject({ moving: false });
  });

  it.each<[what: string, then: ClockState]>([
    ["stops it", { ...still, nowMs: NOW + 60_000 }],
    ["moves it elsewhere", { ...moving, nowMs: NOW + 60_000, untilMs: NOW + 120_000 }],
    ["sets a speed", { ...moving, nowMs: NOW + 60_000, untilMs: null, speed: 60 }],
  ])("fails when another one %s meanwhile", async (_, then) => {
    answers(moving, then);
    await expect(advanceClock("http://127.0.0.1:9", UNTIL)).rejects.toThrow(
      "Another command has taken the clock: it is 2026-11-21T06:57:00.000Z, not 2026-11-21T07:56:00.000Z.",
    );
  });
});
