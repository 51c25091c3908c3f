import * as z from "zod";
import { deployedSchedules, type DeployedSchedules } from "./support/schedules";
import { eventually, npmRun, startArguments } from "./support/system";

const listSchema = z.object({
  schedules: z.array(
    z.object({ name: z.string(), state: z.string(), nextAt: z.string().optional(), lastAt: z.string().optional() }),
  ),
});

describe("schedules, deployed", () => {
  let schedules: DeployedSchedules;
  beforeAll(async () => {
    schedules = await deployedSchedules();
  });

  const almanac = (...words: readonly string[]) => npmRun("schedules", ...words, ...startArguments);

  it("run now with an input, follow the log, and end with the run's outcome", async () => {
    const succeeded = await almanac("run", "eachDay", "--input", '{"fails": "on purpose"}');
    expect(succeeded.code).toBe(1);
    expect(succeeded.output).toMatch(
      /INFO +began .*\n.*ERROR +the handler failed .*on purpose.*\n.*INFO +ended .*outcome=failed/,
    );
    expect((await schedules.runsOf("eachDay"))[0]).toMatchObject({
      outcome: "failed",
      manual: true,
      reason: "on purpose",
    });
    expect((await almanac("show", "eachDay")).output).toMatch(/reason +on purpose/);
  });

  // In real time: Lambda ends it, and then the keeper notices.
  it("find a run that Lambda has ended", async () => {
    expect((await almanac("run", "eachMinute", "--input", '{"ms": 60000}', "--no-wait")).code).toBe(0);
    const lost = await eventually(
      async () => (await schedules.runsOf("eachMinute")).find(({ manual }) => manual),
      (run) => run?.outcome === "failed",
    );
    expect(lost?.reason).toMatch(/ended by Lambda/);
  });

  it("are not due while they are paused", async () => {
    expect((await almanac("pause", "eachDay")).code).toBe(0);
    const list = async () => listSchema.parse(JSON.parse((await almanac("ls", "--json")).output)).schedules;
    expect((await list()).find(({ name }) => name === "eachDay")).toMatchObject({ state: "paused" });
    expect((await almanac("resume", "eachDay")).output).toMatch(/Next run: \S+T06:00:00Z/);
    const all = await list();
    expect(all.find(({ name }) => name === "eachDay")).toMatchObject({ state: "enabled" });
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["heartbeats-check", "timers-dispatch-0", "workflows-sweep", "schedules-keep"]),
    );
  });

  it("fire the ticks of other features", async () => {
    const { code, output } = await almanac("run", "heartbeats-check", "--json");
    expect([code, JSON.parse(output)]).toMatchObject([0, { fired: "heartbeats-check", events: 1 }]);
    expect((await almanac("run", "heartbeat-check")).output).toMatch(/Did you mean heartbeats-check/);
  });
});
