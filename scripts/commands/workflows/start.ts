/** `npm run task -- <environment> start|show|ls|cancel ...`: tasks of the workflow, at a terminal. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { Argument, Option } from "commander";
import * as z from "zod";
import { systemClock } from "../../../functions/shared/clock";
import { describeIssues } from "../../../functions/shared/errors";
import { TASK_STATUSES, taskRequestSchema, type Task, type TaskStatus } from "../../../functions/workflows/contract";
import { stepFunctions } from "../../../functions/workflows/task/executions";
import { cancelTask, findTask } from "../../../functions/workflows/task/lifecycle";
import { taskTable } from "../../../functions/workflows/task/task-table";
import { findDeployed, NotDeployedError, type DeployedOptions } from "../../environments/deployed";
import { DEFAULT_HOME } from "../../emulator/home";
import { colours } from "../../shared/colours";
import { describeError, EXIT, npmCommand } from "../../shared/command-line";
import { describeMoment, describeTask, describeTasks } from "../../features/workflows/describe-task";
import { follow } from "../../features/workflows/follow";

const outputsSchema = z.object({
  table_name: z.string(),
  start_function_name: z.string(),
  machine_arn: z.string(),
  executions_arn: z.string(),
  keep_days: z.coerce.number(),
});

const actionSchema = z.enum(["start", "show", "ls", "cancel"]);

interface Options extends DeployedOptions {
  readonly input?: string;
  readonly status: TaskStatus;
  readonly limit: string;
  readonly watch: boolean;
  readonly json: boolean;
}

/** The command was called wrongly. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The function that starts tasks has failed. */
class StartFailedError extends Error {
  override readonly name = "StartFailedError";
}

async function run(
  environment: string,
  action: z.output<typeof actionSchema>,
  id: string | undefined,
  options: Options,
) {
  if (action !== "ls" && id === undefined) throw new UsageError(`${action} which task? Give its id`);
  const request = action === "start" ? parseRequest(id, options.input) : undefined;
  const limit = z.coerce.number().int().min(1).max(1_000).safeParse(options.limit);
  if (!limit.success) throw new UsageError("--limit is not a whole number from 1 to 1000");

  const { features, aws } = await findDeployed(environment, options);
  const outputs = outputsSchema.safeParse(features["workflow"]);
  if (!outputs.success)
    throw new NotDeployedError(`${environment} has no workflow: ${Object.keys(features).join(", ")}`);
  const { table_name, start_function_name, machine_arn, executions_arn, keep_days } = outputs.data;
  const ports = {
    table: taskTable(new DynamoDBClient(aws), table_name, keep_days),
    executions: stepFunctions(new SFNClient(aws), machine_arn, executions_arn),
  };
  const show = (task: Task) => {
    console.log(options.json ? JSON.stringify(task) : describeTask(task, colours));
  };

  if (action === "ls") {
    const { tasks } = await ports.table.list(options.status, { limit: limit.data });
    console.log(options.json ? JSON.stringify({ tasks }) : describeTasks(tasks, options.status, colours));
    return EXIT.ok;
  }
  const taskId = id ?? "";
  if (request !== undefined) await start(new LambdaClient(aws), start_function_name, request);
  if (action === "cancel") show(await cancelTask(taskId, ports));
  else if (options.watch) return watch(() => findTask(taskId, ports), options);
  else show(await findTask(taskId, ports));
  return EXIT.ok;
}

function parseRequest(taskId: string | undefined, input: string | undefined): z.output<typeof taskRequestSchema> {
  let parsed: unknown;
  try {
    parsed = input === undefined ? undefined : JSON.parse(input);
  } catch {
    throw new UsageError(`--input is not JSON: ${input ?? ""}`);
  }
  const request = taskRequestSchema.safeParse({ taskId, ...(parsed !== undefined && { input: parsed }) });
  if (!request.success) throw new UsageError(describeIssues(request.error));
  return request.data;
}

async function start(lambda: LambdaClient, FunctionName: string, request: unknown): Promise<void> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(request)) }),
  );
  if (FunctionError !== undefined) throw new StartFailedError(Buffer.from(Payload ?? []).toString());
}

/** Follows a task live. Exit code 0: it is done. */
async function watch(find: () => Promise<Task>, { json }: Options): Promise<number> {
  const live = process.stderr.isTTY && !json;
  const clear = live ? "\r\u001b[K" : "";
  const task = await follow(find, {
    clock: systemClock,
    onMoment: (moment, before) => {
      process.stderr.write(clear);
      console.log(json ? JSON.stringify(moment) : describeMoment(moment, before, colours));
    },
    onWait: ({ timestamp }) => {
      if (live) process.stderr.write(`${clear}  for ${Math.round((systemClock.now() - timestamp) / 1_000)} s`);
    },
  });
  return task.status === "DONE" ? EXIT.ok : EXIT.failure;
}

const command = npmCommand("npm run task --", "Starts, shows, lists and cancels tasks of the workflow.")
  .argument("<environment>", "as main.ts names it: staging")
  .addArgument(new Argument("<action>", "what to do").choices(actionSchema.options))
  .argument("[id]", "the task's; of ls, none")
  .option("--input <json>", "start: given to the work")
  .option("--watch", "start, show: follow it until it has ended; exit code 1: it is not DONE then", false)
  .addOption(new Option("--status <status>", "ls: which").choices(TASK_STATUSES).default("STARTED"))
  .option("--limit <n>", "ls: the latest n", "50")
  .option("--json", "JSON on standard output, for programs", false)
  .option("--app <file>", "the app that has the environment", "main.ts")
  .option("--home <folder>", "for local: the folder that was given to npm start", DEFAULT_HOME)
  .addHelpText("after", "\nA task is started once: start it again, and you see what there is.")
  .parse();

const [environment = "", action, id] = command.args;
run(environment, actionSchema.parse(action), id, command.opts<Options>()).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`npm run task: ${describeError(error)}`);
    process.exitCode = error instanceof UsageError ? EXIT.badUsage : EXIT.failure;
  },
);
