/**
 * A workflow of your own: its state machine and its functions.
 *
 * @example
 *   export const workflow = defineWorkflow({
 *     functions: { pay: { entry: "workflows/refund/pay.ts" } },
 *     machine: ({ functions }) =>
 *       jsonata.stateMachine({
 *         StartAt: "Pay",
 *         States: {
 *           Pay: jsonata.lambdaInvoke({ Arguments: { FunctionName: functions.pay, Payload: "{% $states.input %}" }, End: true }),
 *         },
 *       }),
 *   });
 */
import type * as z from "zod";
import type { Machine, State } from "../asl/machine";
import type { ApprovalFields } from "./record";
import type { functionSchema } from "./schema";

type FunctionInput = z.input<typeof functionSchema>;

/** What a definition is given. */
export interface WorkflowParts<Name extends string> {
  /** The names of its functions. */
  readonly functions: Readonly<Record<Name, string>>;
  /** A state that waits for a person. Rejected, it fails with `Rejected`. Not within a Map or Parallel: a task waits once at a time. */
  readonly approval: <const Next extends string = never, const Caught extends string = never>(
    fields: ApprovalFields<Next, Caught>,
  ) => State<"JSONata", Next | Caught>;
}

export interface WorkflowDefinition<Name extends string = string> {
  /** Its Lambda functions by name: 15 lower case letters and digits at most. @default none */
  readonly functions?: Readonly<Record<Name, FunctionInput>>;
  /**
   * Its input is the task: `{taskId, timestamp, input}`. Its output is the task's result. When it fails, so does the task, with its error. A
   * failed task can be redriven from the state that failed, unless a Catch has handled the error.
   */
  readonly machine: (parts: WorkflowParts<Name>) => Machine<"JSONata">;
  /**
   * What its tasks need beyond what follows from them: of integrations without a constructor, and of targets that an expression names.
   *
   * @default none
   */
  readonly permissions?: readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];
}

/** Gives the definition its types. */
export function defineWorkflow<const Name extends string = never>(
  definition: WorkflowDefinition<Name>,
): WorkflowDefinition<Name> {
  return definition;
}
