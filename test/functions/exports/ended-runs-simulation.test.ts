/** Runs that end without recording it themselves: they were stopped, timed out, or their execution is gone. */
import type { Json } from "../../../modules/asl/values";
import { exportMachine } from "../../../modules/exports/definition";
import { accessDenied } from "../../support/fake-aws";
import {
  aws,
  configure,
  continued,
  metric,
  metricsBy,
  pages,
  reconciled,
  records,
  run,
  setupExports,
  settled,
  start,
  startHeld,
  succeeded,
  timesInvoked,
} from "../../support/exports-system";
import { runMachine } from "../../support/states-interpreter";
import { virtualClock } from "../../support/virtual-clock";

setupExports();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_MS = 24 * HOUR;

/** Starts a run that waits in its first Scan until it is released. */
async function startedRun(): Promise<{
  readonly arn: string;
  readonly release: () => void;
  readonly abort: () => void;
}> {
  const { execution, reached, release } = startHeld(() => aws.count("Scan") > 0);
  await reached;
  aws.stall = () => undefined;
  const arn = [...aws.executions.keys()].at(-1) ?? "";
  return {
    arn,
    release,
    abort: () => {
      execution.abort("Stopped", "by an operator");
    },
  };
}

describe("the record of a run", () => {
  it.each([
    ["ABORTED", "by its event", true],
    ["TIMED_OUT", "by its event", true],
    ["ABORTED", "by the regular call, when the event was lost", false],
  ])("says %s, %s", async (status, _, byEvent) => {
    const { arn, release, abort } = await startedRun();
    abort();
    aws.executions.set(arn, () => status);
    expect(records()).toMatchObject([{ status: "RUNNING" }]);
    await reconciled(byEvent ? arn : undefined);
    expect(records()).toMatchObject([
      { status, error: "ExecutionEndedError", cause: expect.stringContaining(arn) as unknown },
    ]);
    expect(metric("failedExports")).toBe(1);
    release();
    await settled();
    await reconciled();
    expect(metric("failedExports")).toBe(1);
    expect(records()).toMatchObject([{ status }]);
    // The next execution resumes it.
    expect(await run()).toEqual(succeeded("exported"));
    expect(records()).toMatchObject([{ status: "SUCCEEDED", error: undefined }]);
  });

  it("stays while the execution runs, is redriven, or is too young to be known", async () => {
    const { arn, release } = await startedRun();
    for (const status of ["RUNNING", "PENDING_REDRIVE"]) {
      aws.executions.set(arn, () => status);
      await reconciled();
      await reconciled(arn);
    }
    aws.executions.delete(arn);
    await reconciled();
    expect(records()).toMatchObject([{ status: "RUNNING" }]);
    const now = Date.now() + HOUR;
    jest.spyOn(Date, "now").mockReturnValue(now);
    await reconciled();
    expect(records()).toMatchObject([{ status: "ABORTED", cause: "its execution no longer exists" }]);
    release();
    await settled();
  });

  it("is not that of another execution's run", async () => {
    const { arn, release, abort } = await startedRun();
    abort();
    await reconciled("arn:aws:states:eu-central-1:000000000000:execution:exports:another");
    expect(records()).toMatchObject([{ status: "RUNNING" }]);
    release();
    await settled();
    expect(await run()).toEqual(succeeded("exported"));
    await reconciled(arn);
    await reconciled();
    expect(records()).toMatchObject([{ status: "SUCCEEDED" }]);
  });

  it("is reconciled although Step Functions fails for another one", async () => {
    const { arn, release, abort } = await startedRun();
    abort();
    aws.executions.set(arn, () => "ABORTED");
    const runs = aws.rows.get("#active|orders");
    aws.rows.set("#active|another", { ...runs, sk: { S: "another" }, execution: { S: "arn:refused" } });
    aws.before = ({ action, body }) =>
      action === "DescribeExecution" && JSON.stringify(body).includes("refused")
        ? accessDenied("states:DescribeExecution")
        : undefined;
    await expect(reconciled()).rejects.toThrow("another: ");
    expect(records()).toMatchObject([{ status: "ABORTED" }]);
    release();
    await settled();
  });
});

describe("a failed run", () => {
  it("has its other segments stop, and keeps the first reason", async () => {
    configure({ name: "orders", table: "orders", segments: 3, compression: "none" });
    aws.tables.set("orders", pages(60));
    aws.before = ({ action, body }) =>
      action === "Scan" && (body as { Segment?: number }).Segment === 1 ? accessDenied("dynamodb:Scan") : undefined;
    expect(await run()).toMatchObject({ status: "FAILED", error: "AccessDeniedException" });
    expect(records()).toMatchObject([{ status: "FAILED", error: "AccessDeniedException" }]);
    expect(metric("failedExports")).toBe(1);
  });

  it("cannot publish: a worker that goes on after the failure was recorded is refused", async () => {
    const { arn, release, abort } = await startedRun();
    abort();
    aws.executions.set(arn, () => "ABORTED");
    await reconciled(arn);
    release();
    await settled();
    expect([...aws.objects.keys()].filter((key) => key.startsWith("files/"))).toEqual([]);
    expect(timesInvoked("finishRun")).toBe(1);
  });
});

describe("a history", () => {
  const functions = {
    self: "arn:aws:states:eu-central-1:123456789012:stateMachine:self",
    claimRun: "c",
    readSegment: "s",
    nativeExport: "n",
    finishRun: "f",
    recordFailure: "r",
  };
  const machine = exportMachine(functions);

  /** A run that takes this long, each call of a function the longest possible. */
  async function longRun(engine: string, milliseconds: number) {
    const clock = virtualClock(0);
    let throttled = 0;
    const work: Readonly<Record<string, () => Promise<Json>>> = {
      c: () => Promise.resolve({ outcome: "run", run: { config: { engine } }, segments: [0, 1, 2], claimAgain: false }),
      s: async () => {
        if (throttled++ % 5 === 0) throw Object.assign(new Error("busy"), { name: "Lambda.TooManyRequestsException" });
        await new Promise<void>((resolve) => clock.after(14 * MINUTE, resolve));
        return { done: clock.now() >= milliseconds };
      },
      n: () => Promise.resolve({ done: clock.now() >= milliseconds, exportArn: "arn" }),
      f: () => Promise.resolve({ outcome: "exported", message: "", run: {} }),
    };
    const execution = runMachine(
      machine,
      { export: "orders" },
      {
        clock,
        services: {
          "events:putEvents": () => Promise.resolve({}),
          "lambda:invoke": async (parameters) => {
            const { FunctionName = "" } = parameters as { readonly FunctionName?: string };
            return { Payload: (await work[FunctionName]?.()) ?? null };
          },
        },
      },
    );
    return { ended: await execution.ended, events: execution.longestHistory() };
  }

  it.each(["scan", "dynamodb-export"])("is not full after 13 days of %s", async (engine) => {
    const { ended, events } = await longRun(engine, 13 * DAY_MS);
    expect(ended.status).toBe("SUCCEEDED");
    expect(events).toBeLessThan(25_000);
  });

  it("is not full however many older runs there are: each continues in an execution of its own", async () => {
    // An older run that has failed is finished first.
    aws.before = ({ action }) => (action === "Scan" ? accessDenied("dynamodb:Scan") : undefined);
    await run({ day: "2026-11-19", trigger: "schedule" });
    aws.before = () => undefined;
    const first = start({ day: "2026-11-21" });
    expect(await first.ended).toMatchObject({
      status: "SUCCEEDED",
      output: { outcome: "continued", next: expect.stringMatching(/:\d+_1$/) as unknown },
    });
    expect(await continued.at(-1)?.ended).toEqual(succeeded("exported"));
    expect(records()).toMatchObject([{ status: "SUCCEEDED" }, { status: "SUCCEEDED" }]);
  });
});

describe("an export", () => {
  const daily = { expression: "cron(0 17 * * ? *)", timeZone: "UTC" };
  let now = Date.parse("2026-11-20T20:00:00Z");
  const isLateAt = async (time: string): Promise<number | undefined> => {
    now = Date.parse(time);
    await reconciled();
    return metricsBy("lateExports", "orders").at(-1);
  };
  beforeEach(() => {
    now = Date.parse("2026-11-20T20:00:00Z");
    jest.spyOn(Date, "now").mockImplementation(() => now);
  });

  it("is late when a run that was due is not finished in time, and never before the first one is due", async () => {
    configure({ name: "orders", table: "orders" }, daily);
    expect(await isLateAt("2026-11-20T20:00:00Z")).toBe(0);
    expect(await isLateAt("2026-11-21T16:59:00Z")).toBe(0);
    expect(await isLateAt("2026-11-21T22:59:00Z")).toBe(0);
    expect(await isLateAt("2026-11-21T23:00:00Z")).toBe(1);
    await run({ trigger: "manual" });
    expect(await isLateAt("2026-11-21T23:05:00Z")).toBe(1);
    await run({ trigger: "schedule", due: Date.parse("2026-11-21T17:00:00Z") });
    expect(await isLateAt("2026-11-21T23:10:00Z")).toBe(0);
    expect(await isLateAt("2026-11-22T22:55:00Z")).toBe(0);
    expect(await isLateAt("2026-11-22T23:05:00Z")).toBe(1);
  });

  it("is judged when the state of another one cannot be read, which is reported", async () => {
    configure({ name: "orders", table: "orders" }, daily, [{ name: "users", table: "users" }]);
    expect(await isLateAt("2026-11-20T20:00:00Z")).toBe(0);
    for (const [key, row] of aws.rows)
      if (row["pk"]?.S === "users") aws.rows.set(key, { ...row, scheduledSince: { S: "yesterday" } });
    now = Date.parse("2026-11-21T23:00:00Z");
    await expect(reconciled()).rejects.toThrow(
      /^users: whether it is late is not known: .*"state" of "users" .*scheduledSince: /,
    );
    expect(metricsBy("lateExports", "orders").at(-1)).toBe(1);
  });

  it("is not judged by a schedule that it did not have", async () => {
    configure({ name: "orders", table: "orders" }, { expression: "cron(0 0 1 1 ? 2199)", timeZone: "UTC" });
    expect(await isLateAt("2026-11-20T20:00:00Z")).toBe(0);
    configure({ name: "orders", table: "orders" }, { ...daily, lateAfterMinutes: 10 });
    expect(await isLateAt("2026-11-21T18:00:00Z")).toBe(0);
    expect(await isLateAt("2026-11-22T17:05:00Z")).toBe(0);
    expect(await isLateAt("2026-11-22T17:10:00Z")).toBe(1);
  });

  it("that runs more rarely than every day is judged, too", async () => {
    configure({ name: "orders", table: "orders" }, { expression: "rate(7 days)", timeZone: "UTC" });
    expect(await isLateAt("2026-11-20T20:00:00Z")).toBe(0);
    expect(await isLateAt("2026-11-28T01:00:00Z")).toBe(0);
    expect(await isLateAt("2026-11-28T02:00:00Z")).toBe(1);
  });
});
