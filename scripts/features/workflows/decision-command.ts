/** A command that decides a task's approval. */
import type { Command } from "commander";
import { commentSchema, type Decision } from "../../../functions/workflows/contract";
import { decide } from "../../../functions/workflows/task/decide";
import { describeIssues } from "../../../functions/shared/input";
import { jsonText } from "../../../functions/shared/json-text";
import { colours } from "../../shared/terminal/colours";
import { EXIT, exitCodeOf, type JsonOption, notEmpty, UsageError } from "../../shared/terminal/command-line";
import { describeTask } from "./describe-task";
import { findWorkflow, workflowCommand, type WorkflowOptions } from "./environment";

interface DecisionOptions extends WorkflowOptions, JsonOption {
  readonly comment?: string;
  readonly state?: string;
  readonly requestedAt?: string;
}

export function decisionCommand(decision: Decision, contents: Parameters<typeof workflowCommand>[0]): Command {
  return workflowCommand(contents)
    .argument("<task>", "the task's id", notEmpty)
    .option("--comment <text>", "why")
    .option("--state <name>", "only an approval of this state")
    .option("--requested-at <time>", "only the one that was requested then")
    .action(
      exitCodeOf(async (taskId: string, { comment, state, requestedAt, ...options }: DecisionOptions) => {
        const { error } = commentSchema.optional().safeParse(comment);
        if (error !== undefined) throw new UsageError(`--comment: ${describeIssues(error, commentSchema)}`);
        const { ports, caller } = await findWorkflow(options);
        const task = await decide(taskId, { decision, by: await caller(), comment, state, requestedAt }, ports);
        console.log(options.json ? jsonText(task) : describeTask(task, colours));
        return EXIT.ok;
      }),
    );
}
