/** The sweep's requests for running tasks, against a stub with AWS's pages and quotas. */
import { stepFunctions } from "../../../../functions/workflows/task/executions";
import { sweep } from "../../../../functions/workflows/task/sweep";
import { fakeTaskTable } from "../../../../test/support/fake-task-table";
import { throttledStates, type StoredExecution } from "../../../../test/support/throttled-states";
import { virtualClock } from "../../../../test/support/virtual-clock";
import { HOUR_MS } from "../../../../functions/shared/time";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const ARN = "arn:aws:states:eu-central-1:000000000000:execution:almanac-bench-workflows-task";

export async function sweepRequests(tasks: number): Promise<number> {
  const executions = Array.from({ length: tasks }, (_, index): StoredExecution => {
    return { name: `order-${index}`, status: "RUNNING", startedAt: NOW - HOUR_MS - index * 100 };
  });
  const clock = virtualClock(NOW);
  const { client, requests } = throttledStates(clock, ARN, executions);
  const table = fakeTaskTable();
  await table.putStarted(executions.map(({ name, startedAt }) => ({ taskId: name, arn: `${ARN}:${name}`, startedAt })));
  const times = { stuckBefore: 0, endedAfter: NOW - HOUR_MS / 4, isOver: () => false };
  const { failures } = await sweep({ table, executions: stepFunctions(client, "machine", ARN), clock }, times);
  if (failures.length > 0 || requests.throttled > 0) throw new Error(`the sweep failed: ${failures.join("; ")}`);
  return requests.describe + requests.list + table.queries();
}
