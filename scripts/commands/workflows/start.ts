/** `almanac workflows start <task> [input]`: starts a task. */
import type * as z from "zod";
import { errorMessage } from "../../../functions/shared/errors";
import { describeIssues, parseJson } from "../../../functions/shared/input";
import { taskRequestSchema } from "../../../functions/workflows/contract";
import { hasExactNumbers, INEXACT, jsonText } from "../../../functions/shared/json-text";
import { findTask, startTask } from "../../../functions/workflows/task/lifecycle";
import { describeTask } from "../../features/workflows/describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "../../features/workflows/environment";
import { watchTask } from "../../features/workflows/watch";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, UsageError, type JsonOption, notEmpty } from "../../shared/terminal/command-line";
import { JSON_ARGUMENT, readJsonArgument } from "../../shared/terminal/json-argument";

interface Options extends WorkflowOptions, JsonOption {
  readonly input?: string;
  readonly watch: boolean;
}

export const command = () =>
  workflowCommand({
    description: "Starts a task and shows it. A task is started once: starting it again shows the existing one.",
    examples: [
      `npx almanac workflows start order-1 '{"amount": 12}'`,
      "npx almanac workflows start order-1 order.json --watch",
    ],
    exitCodes: { [EXIT.failure]: "failed; with --watch: the task did not end as DONE" },
  })
    .argument("<task>", "the task's id", notEmpty)
    .argument("[input]", `passed to the work: ${JSON_ARGUMENT}`)
    .option("--input <json>", "the same, as an option")
    .option("--watch", "follow the task until it has ended", false)
    .action(exitCodeOf(run));

/** Starts it without the start function: Lambda would round the input's numbers before the function sees them. */
async function run(taskId: string, input: string | undefined, options: Options): Promise<number> {
  if (input !== undefined && options.input !== undefined) throw new UsageError("The input is given twice.");
  const given = input ?? options.input;
  const request = parseRequest(taskId, given === undefined ? undefined : await readJsonArgument(given));
  const { ports } = await findWorkflow(options);
  await startTask(request, ports);
  if (options.watch) return watchTask(() => findTask(taskId, ports), options.json);
  const task = await findTask(taskId, ports);
  console.log(options.json ? jsonText(task) : describeTask(task, colours));
  return EXIT.ok;
}

function parseRequest(taskId: string, input: string | undefined): z.output<typeof taskRequestSchema> {
  let parsed: unknown;
  try {
    parsed = input === undefined ? undefined : parseJson(input);
  } catch (error) {
    throw new UsageError(`The input ${errorMessage(error)}`);
  }
  if (input !== undefined && !hasExactNumbers(input)) throw new UsageError(`The input ${INEXACT}`);
  const request = taskRequestSchema.safeParse({ taskId, ...(parsed !== undefined && { input: parsed }) });
  if (!request.success) throw new UsageError(describeIssues(request.error, taskRequestSchema));
  return request.data;
}
