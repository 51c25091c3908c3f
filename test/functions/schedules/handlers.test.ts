/** The two handlers of schedules, over tables in memory: their wiring, metrics and logs. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";

import type { Attempt } from "../../../functions/schedules/contract";
import { handler as keep } from "../../../functions/schedules/keep";
import { onSchedule, type ScheduleHandler } from "../../../functions/schedules/on-schedule";
import { runsTable } from "../../../functions/schedules/storage/runs-table";
import { MINUTE_MS } from "../../../functions/shared/time";
import { lambdaContext, scheduledEvent, setupHandler } from "../../support/lambda";
import { memoryRuns } from "../../support/memory-runs";

let mockMemory = memoryRuns();
const mockParameter = jest.fn<string, [name: string]>();
jest.mock("../../../functions/shared/aws/clients/aws-json", () => ({
  createAwsJsonClient: () => ({
    call: async (target: string, body: string) => {
      const input = JSON.parse(body) as { readonly Name: string };
      if (target === "AmazonSSM.GetParameter")
        return JSON.stringify({ Parameter: { Value: mockParameter(input.Name) } });
      return JSON.stringify(await mockMemory.call(target.replace(/^.*\./, "") as "PutItem", input as never));
    },
  }),
}));

const START = Date.parse("2026-11-21T05:59:30Z");
const lambda = mockClient(LambdaClient);
const s3 = mockClient(S3Client);
const output = setupHandler("schedules", {
  RUNS_TABLE: "runs",
  CONFIGURATION_BUCKET: "configuration",
  CONFIGURATION_VERSION: "1",
  FUNCTION_PREFIX: "almanac-test-schedules-run-",
  SECRETS: JSON.stringify({ KEY: "/report/key" }),
});
const at = (minutes: number) => jest.spyOn(Date, "now").mockReturnValue(START + minutes * MINUTE_MS);

beforeEach(() => {
  mockMemory = memoryRuns();
  mockParameter.mockReset().mockReturnValue("hunter2");
  lambda.reset();
  s3.reset();
  at(0);
});

/** Values of a metric in the current test. */
const metric = (name: string) => output.lines().flatMap((line) => ("_aws" in line ? (line[name] ?? []) : []));
const logged = (message: string) => output.lines().filter((line) => line["message"] === message);

describe("the keeper", () => {
  const SCHEDULES = {
    cleanUp: { schedule: "rate(1 hour)", catchUp: "none" },
    report: { schedule: "rate(1 hour)", retries: { count: 1 } },
  };
  // The handler reads its configuration at its first invocation.
  const tick = async (minutes: number) => {
    at(minutes);
    const text = JSON.stringify(SCHEDULES);
    s3.on(GetObjectCommand).resolves({ Body: { transformToString: () => Promise.resolve(text) } as never });
    await keep(scheduledEvent(), lambdaContext());
  };
  const invocations = () => lambda.commandCalls(InvokeCommand).map(({ args: [{ input }] }) => input);

  it("invokes each due schedule's function with the attempt", async () => {
    await tick(0);
    await tick(1);
    expect(invocations()).toEqual(
      ["clean-up", "report"].map((name) => ({
        FunctionName: `almanac-test-schedules-run-${name}`,
        InvocationType: "Event",
        Payload: expect.stringContaining('"run":"2026-11-21T06:00:00.000Z","attempt":1') as string,
      })),
    );
    expect(logged("invoked")).toHaveLength(2);
    expect(metric("missed")).toEqual([]);
  });

  it("counts and logs what was missed", async () => {
    await tick(0);
    await tick(2 * 60 + 31);
    expect(metric("missed").flat()).toEqual([1, 1, 1, 1, 1]);
    expect(logged("missed")).toContainEqual(
      expect.objectContaining({ level: "WARN", runId: "cleanUp/2026-11-21T06:00:00.000Z" }),
    );
  });

  it("counts attempts that Lambda has ended: as retried, or as failed", async () => {
    await tick(0);
    await tick(1);
    const table = runsTable(mockMemory.call, "runs");
    const claim = { attempt: 1, owner: "killed", now: START, deadline: START + MINUTE_MS };
    for (const schedule of ["cleanUp", "report"])
      await table.claim({ schedule, run: "2026-11-21T06:00:00.000Z" }, claim);
    await tick(3);
    expect([metric("failed"), metric("retried")]).toEqual([[1], [1]]);
    expect(logged("attempt lost")).toHaveLength(2);
  });

  it("fails when one schedule fails, after it has kept the others", async () => {
    await tick(0);
    lambda
      .on(InvokeCommand, { FunctionName: "almanac-test-schedules-run-clean-up" })
      .rejects(new Error("no such function"));
    await expect(tick(1)).rejects.toThrow("1 of the schedules failed: see the log");
    expect(logged("schedule failed")).toEqual([expect.objectContaining({ schedule: "cleanUp" })]);
    expect(logged("invoked")).toEqual([expect.objectContaining({ runId: "report/2026-11-21T06:00:00.000Z" })]);
  });
});

describe("a schedule's function", () => {
  const run = "2026-11-21T06:00:00.000Z";
  const attempt: Attempt = {
    schedule: "report",
    run,
    attempt: 1,
    retries: { count: 0, backoffSeconds: 60, maxAgeSeconds: 3_600 },
  };
  const invoke = async (handler: ScheduleHandler, fields: object = {}, minutes = 1) => {
    at(minutes);
    const scheduledAt = Date.parse(run);
    const row = { outcome: "queued", scheduledAt, dueAt: scheduledAt, manual: false, invocations: 1 } as const;
    await runsTable(mockMemory.call, "runs").create({ ...row, ...attempt });
    return onSchedule(handler)({ ...attempt, ...fields }, lambdaContext());
  };
  const rowOf = async () => (await runsTable(mockMemory.call, "runs").list("report", 1))[0];

  it("keeps the result, counts the run, and names it in each line of the log", async () => {
    const outcome = await invoke(({ runId }, { logger }) => {
      logger.info("counted");
      return { runId };
    });
    expect(outcome).toEqual({ outcome: "succeeded" });
    expect(await rowOf()).toMatchObject({
      result: `{"runId":"report/${run}"}`,
      log: { group: "/aws/lambda/almanac-test-feature", stream: "stream" },
    });
    expect([metric("succeeded"), metric("failed"), metric("late"), metric("duration")]).toEqual([[1], [], [], [0]]);
    for (const message of ["began", "counted", "ended"])
      expect(logged(message)).toEqual([expect.objectContaining({ runId: `report/${run}`, attempt: 1 })]);
  });

  it("counts a run that fails, and one that is tried again", async () => {
    const fail = () => Promise.reject(new Error("no luck"));
    expect(await invoke(fail)).toEqual({ outcome: "failed" });
    expect(metric("failed")).toEqual([1]);
    expect(logged("the handler failed")).toEqual([
      expect.objectContaining({ level: "ERROR", error: expect.objectContaining({ message: "no luck" }) as object }),
    ]);
    mockMemory = memoryRuns();
    expect(await invoke(fail, { retries: { count: 1 } })).toEqual({ outcome: "retrying" });
    expect([metric("failed"), metric("retried")]).toEqual([[1], [1]]);
  });

  it("counts a run that begins more than five minutes after it was due", async () => {
    await invoke(() => 1, {}, 6);
    expect(metric("late")).toEqual([1]);
  });

  it("does not call the handler for a second delivery, which it neither counts nor fails", async () => {
    const handler = jest.fn(() => 1);
    await invoke(handler);
    expect(await invoke(handler)).toEqual({ outcome: "duplicate" });
    expect(handler).toHaveBeenCalledTimes(1);
    expect(metric("succeeded")).toEqual([1]);
  });

  it("reads a secret once in five minutes", async () => {
    const handler = onSchedule(async (_, { secret }) => [await secret("KEY"), await secret("KEY")]);
    await invoke(() => 1);
    mockMemory = memoryRuns();
    const row = { outcome: "queued", scheduledAt: START, dueAt: START, manual: false, invocations: 1 } as const;
    await runsTable(mockMemory.call, "runs").create({ ...row, ...attempt });
    await handler(attempt, lambdaContext());
    expect(mockParameter.mock.calls).toEqual([["/report/key"]]);
    expect(await rowOf()).toMatchObject({ result: '["hunter2","hunter2"]' });
  });

  it.each([[{}], [null], ["report"], [{ ...attempt, attempt: 0 }]])("rejects the event %j", async (event) => {
    await expect(onSchedule(() => 1)(event, lambdaContext())).rejects.toThrow();
    expect(mockMemory.items.size).toBe(0);
  });
});
