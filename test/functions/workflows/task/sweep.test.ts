/** The sweep's requests against AWS's quotas and page sizes. */
import { stepFunctions } from "../../../../functions/workflows/task/executions";
import { sweep } from "../../../../functions/workflows/task/sweep";
import { fakeTaskTable } from "../../../support/fake-task-table";
import { throttledStates, type StoredExecution } from "../../../support/throttled-states";
import { virtualClock } from "../../../support/virtual-clock";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-test-workflows-task";

async function setup(executions: readonly StoredExecution[]) {
  const clock = virtualClock(NOW);
  const { client, requests } = throttledStates(clock, ARN, executions);
  const table = fakeTaskTable();
  await table.putStarted(executions.map(({ name, startedAt }) => ({ taskId: name, arn: `${ARN}:${name}`, startedAt })));
  const sweepNow = () =>
    sweep(
      { table, executions: stepFunctions(client, "machine", ARN), clock },
      {
        stuckBefore: NOW - 40 * 86_400_000,
        endedAfter: clock.now() - 900_000,
        isOver: () => clock.now() > NOW + 225_000,
      },
    );
  return { table, requests, sweepNow };
}

const running = (index: number): StoredExecution => ({
  name: `task-${index}`,
  status: "RUNNING",
  startedAt: NOW - 300_000 - index * 1_000,
});

describe("a sweep of 10,000 running tasks", () => {
  it("takes at most 20 requests and finds the one whose event was lost, however far behind", async () => {
    const lost: StoredExecution = {
      name: "lost",
      status: "FAILED",
      startedAt: NOW - 86_400_000,
      stoppedAt: NOW - 7_200_000,
    };
    const executions = [...Array.from({ length: 10_000 }, (_, index) => running(index)), lost];
    const { table, requests, sweepNow } = await setup(executions);
    expect(await sweepNow()).toEqual({ reconciled: 1, stuck: [], failures: [] });
    expect(table.row("lost")).toMatchObject({ status: "FAILED" });
    expect(requests).toEqual({ describe: 1, list: 13, throttled: 0 });
    expect(requests.describe + requests.list + table.queries()).toBeLessThanOrEqual(20);
  });

  it("describes none that started a moment ago: the list of running executions may not have it yet", async () => {
    const { table, requests, sweepNow } = await setup([running(0)]);
    await table.putStarted(
      [30, 90].map((age) => ({ taskId: `new-${age}`, arn: `${ARN}:new-${age}`, startedAt: NOW - age * 1_000 })),
    );
    expect(await sweepNow()).toMatchObject({ reconciled: 0, stuck: [] });
    expect(requests.describe).toBe(1);
  });

  it("stays below the quotas when all events of 3,000 failures were lost, and continues with the next sweep", async () => {
    const failed = Array.from({ length: 3_000 }, (_, index): StoredExecution => ({
      ...running(index),
      status: "FAILED",
      stoppedAt: NOW - 60_000,
    }));
    const { requests, sweepNow } = await setup(failed);
    const { reconciled, failures } = await sweepNow();
    expect(reconciled).toBeGreaterThan(1_000);
    expect(failures).toEqual([expect.stringMatching(/^out of time/)]);
    expect(requests.throttled).toBe(0);
  });
});
