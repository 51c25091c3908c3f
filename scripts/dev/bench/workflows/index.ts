import { HOUR_SECONDS } from "../../../../functions/shared/time";
import { taskMachine } from "../../../../modules/workflows/definition";
import { fakeTaskTable } from "../../../../test/support/fake-task-table";
import { runMachine, type Service } from "../../../../test/support/states-interpreter";
import { virtualClock } from "../../../../test/support/virtual-clock";
import { PRICES } from "../../../shared/prices";
import { withProcesses } from "../child-processes";
import { figure, type Figure } from "../figure";
import { measuredSchema, stubReadySchema } from "./processes/messages";

const MILLION = 1_000_000;
const START_MEMORY_GB = 0.5;

/** Of the function's time, most is waiting for StartExecution: as AWS's own figures have it. */
const START_SECONDS = 0.05;

/** A write of an item with an index: the table's own, and the index's, which takes two when its key changes. */
const WRITE_UNITS = { put: { table: 1, index: 1 }, update: { table: 1, index: 2 } } as const;

/**
 * The workflow: starts a second through the real handler against a stub of Step Functions; and what a task is made of, counted by
 * running the definition itself, priced. Beside it the plain version: the same two writes into a table without history and index.
 */
export async function benchWorkflow(): Promise<readonly Figure[]> {
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
  const ours = usdPerTask(task, true);
  const plain = usdPerTask(task, false);
  return [
    figure("starts_per_s", starts / cpuSeconds, "1/s and core"),
    figure("starts_per_s_wall", starts / seconds, "1/s"),
    figure("requests_per_task", task.requests, ""),
    figure("transitions_per_task", task.transitions, ""),
    figure("transitions_per_task_with_work", working.transitions, ""),
    figure("usd_per_million", ours * MILLION, "USD"),
    figure("usd_per_million_transitions", task.transitions * PRICES.stepFunctions.stateTransition * MILLION, "USD"),
    figure("plain_usd_per_million", plain * MILLION, "USD"),
  ];
}

function starterEnvironment(endpoint: string): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: endpoint,
    // Said of Node 20 at every start; deployed functions run on a newer one.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    POWERTOOLS_SERVICE_NAME: "workflow",
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "bench",
    TASK_MACHINE: "arn:aws:states:eu-central-1:000000000000:stateMachine:almanac-bench-workflow-task",
    TASK_EXECUTIONS: "arn:aws:states:eu-central-1:000000000000:execution:almanac-bench-workflow-task",
  };
}

interface Counted {
  /** To AWS, by us: StartExecution, and what the machine asks for. */
  readonly requests: number;
  readonly transitions: number;
  readonly puts: number;
  readonly updates: number;
}

async function countTask(withWork: boolean): Promise<Counted> {
  const counts = { puts: 0, updates: 0, invocations: 0 };
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
        "dynamodb:putItem": counting("puts", services["dynamodb:putItem"]),
        "dynamodb:updateItem": counting("updates", services["dynamodb:updateItem"]),
        "lambda:invoke": counting("invocations", () => Promise.resolve({})),
      },
    },
  );
  const { status } = await run.ended;
  if (status !== "SUCCEEDED") throw new Error(`the task ended as ${status}`);
  const { puts, updates, invocations } = counts;
  // Step Functions counts each state that is entered.
  return { requests: 1 + puts + updates + invocations, transitions: run.path.length, puts, updates };
}

/** Started by invocation. Logs and traces are left out; so is the sweep, which costs the same whatever the tasks. */
function usdPerTask({ transitions, puts, updates }: Counted, indexed: boolean): number {
  const units = ({ table, index }: { table: number; index: number }) => table + (indexed ? index : 0);
  return (
    transitions * PRICES.stepFunctions.stateTransition +
    (puts * units(WRITE_UNITS.put) + updates * units(WRITE_UNITS.update)) * PRICES.dynamodb.writeRequestUnit +
    PRICES.lambda.request +
    START_SECONDS * START_MEMORY_GB * PRICES.lambda.gbSecond
  );
}
