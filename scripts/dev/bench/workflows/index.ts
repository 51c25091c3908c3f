/** Benchmark: starting tasks, and their cost. */
import { HOUR_SECONDS } from "../../../../functions/shared/time";
import { taskMachine } from "../../../../modules/workflows/definition";
import { fakeTaskTable } from "../../../../test/support/fake-task-table";
import { runMachine, type Service } from "../../../../test/support/states-interpreter";
import { virtualClock } from "../../../../test/support/virtual-clock";
import { PRICES } from "../../../shared/aws/prices";
import { withProcesses } from "../child-processes";
import { figure, figureAtLeast, figureAtMost, type Figure } from "../figure";
import { stubEnvironment } from "../stub-environment";
import { sweepRequests } from "./sweep";
import { measuredSchema, stubReadySchema } from "./processes/messages";

const MILLION = 1_000_000;
const START_MEMORY_GB = 0.5;

/** The function's duration, most of it StartExecution's latency. From AWS's figures. */
const START_SECONDS = 0.05;

/**
 * Starts per second of the handler against a stub of Step Functions, and the price of a task, counted by running the definition.
 * `plain` is the price of the same two writes to a table without history and index.
 */
export async function benchWorkflows(): Promise<readonly Figure[]> {
  const { starts, seconds, cpuSeconds } = await withProcesses(
    __dirname,
    ["states-stub", "starter"] as const,
    async (start) => {
      const { endpoint } = stubReadySchema.parse(await start("states-stub"));
      return measuredSchema.parse(await start("starter", { environment: starterEnvironment(endpoint) }));
    },
  );
  const task = await countTask(false);
  const working = await countTask(true);
  const usd = usdPerTask(task, true);
  const plain = usdPerTask(task, false);
  return [
    figureAtLeast("starts_per_s", starts / cpuSeconds, "1/s and core", 1_000),
    figure("starts_per_s_wall", starts / seconds, "1/s"),
    figureAtMost("sweep_requests", await sweepRequests(10_000), "for 10,000 running tasks", 20),
    figure("requests_per_task", task.requests, ""),
    figure("transitions_per_task", task.transitions, ""),
    figure("transitions_per_task_with_work", working.transitions, ""),
    figure("usd_per_million", usd * MILLION, "USD"),
    figure("usd_per_million_transitions", task.transitions * PRICES.stepFunctions.stateTransition * MILLION, "USD"),
    figure("plain_usd_per_million", plain * MILLION, "USD"),
  ];
}

function starterEnvironment(endpoint: string): NodeJS.ProcessEnv {
  return {
    ...stubEnvironment("workflows", endpoint),
    STATE_MACHINE_ARN: "arn:aws:states:eu-central-1:000000000000:stateMachine:almanac-bench-workflows-task",
    EXECUTION_ARN_PREFIX: "arn:aws:states:eu-central-1:000000000000:execution:almanac-bench-workflows-task",
    TASKS_TABLE: "almanac-bench-workflows",
    KEEP_DAYS: "90",
  };
}

interface TaskCounts {
  /** StartExecution and the requests of the machine. */
  readonly requests: number;
  readonly transitions: number;
  readonly writes: number;
}

async function countTask(withWork: boolean): Promise<TaskCounts> {
  const counts = { writes: 0, invocations: 0 };
  const { services } = fakeTaskTable();
  const counting =
    (name: keyof typeof counts, service: Service): Service =>
    (...request) => {
      counts[name] += 1;
      return service(...request);
    };
  const machine = taskMachine({
    table: "tasks",
    waitSeconds: 30,
    timeLimitSeconds: HOUR_SECONDS,
    keepDays: 90,
    ...(withWork && { work: { functionName: "work", timeoutSeconds: 60, retries: 2 } }),
  });
  const run = runMachine(
    machine,
    { taskId: "task", timestamp: 0 },
    {
      clock: virtualClock(),
      services: {
        "dynamodb:updateItem": counting("writes", services["dynamodb:updateItem"]),
        "lambda:invoke": counting("invocations", () => Promise.resolve({ Payload: { json: "", location: "" } })),
      },
    },
  );
  const { status } = await run.ended;
  if (status !== "SUCCEEDED") throw new Error(`the task ended as ${status}`);
  const { writes, invocations } = counts;
  // Step Functions counts each state that is entered.
  return { requests: 1 + writes + invocations, transitions: run.path.length, writes };
}

/** For a start by invocation. Without logs, traces and the sweep, whose cost does not depend on the tasks. */
function usdPerTask({ transitions, writes }: TaskCounts, indexed: boolean): number {
  // In the index, a write that changes the key is two, and the first one has none to change.
  const indexWrites = indexed ? 2 * writes - 1 : 0;
  return (
    transitions * PRICES.stepFunctions.stateTransition +
    (writes + indexWrites) * PRICES.dynamodb.writeRequestUnit +
    PRICES.lambda.request +
    START_SECONDS * START_MEMORY_GB * PRICES.lambda.gbSecond
  );
}
