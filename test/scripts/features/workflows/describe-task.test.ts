import { createColors } from "picocolors";
import type { Task } from "../../../../functions/workflows/contract";
import { describeTask, describeTasks } from "../../../../scripts/features/workflows/describe-task";
import { follow } from "../../../../scripts/features/workflows/follow";
import { virtualClock } from "../../../support/virtual-clock";

const colours = createColors(false);
const started: Task = {
  taskId: "order-1",
  timestamp: Date.parse("2026-11-21T12:00:00Z"),
  status: "STARTED",
  executionArn: "arn:aws:states:eu-central-1:000000000000:execution:task:order-1",
  history: [{ status: "STARTED", at: "2026-11-21T12:00:00.120Z" }],
};
const failed: Task = {
  ...started,
  status: "FAILED",
  reason: "PaymentRefused: no funds",
  history: [
    ...started.history,
    { status: "FAILED", at: "2026-11-21T12:03:20.120Z", reason: "PaymentRefused: no funds" },
  ],
};

describe("a task at a terminal", () => {
  it("is told with its history", () => {
    expect(describeTask(failed, colours)).toMatchInlineSnapshot(`
     "order-1  FAILED
       2026-11-21T12:00:00.120Z  STARTED
       2026-11-21T12:03:20.120Z  FAILED  after 3 min 20 s  PaymentRefused: no funds
       arn:aws:states:eu-central-1:000000000000:execution:task:order-1"
    `);
  });

  it("is a line of a list", () => {
    expect(describeTasks([failed], "FAILED", colours)).toMatchInlineSnapshot(`
     "task     status                   started                     ended  reason
     order-1  FAILED  2026-11-21T12:00:00.120Z  2026-11-21T12:03:20.120Z  PaymentRefused: no funds"
    `);
    expect(describeTasks([], "DONE", colours)).toBe("no task is DONE");
  });

  it("is followed until it ends, each step told once", async () => {
    const clock = virtualClock(started.timestamp);
    const moments: string[] = [];
    let waits = 0;
    const ended = await follow(() => Promise.resolve(clock.now() - started.timestamp < 5_000 ? started : failed), {
      clock,
      onMoment: ({ status }) => moments.push(status),
      onWait: () => {
        waits++;
      },
    });
    expect([ended.status, moments, waits]).toEqual(["FAILED", ["STARTED", "FAILED"], 5]);
  });
});
