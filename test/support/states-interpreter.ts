/**
 * Runs JSONata state machines on a virtual clock, as Step Functions documents that it does. A field that it does not know is
 * refused: it never passes over what it would not do. Jitter is none, so that runs can be repeated.
 */
import jsonata from "jsonata";
import * as z from "zod";
import { sleep, type Clock } from "../../functions/shared/clock";
import type { Json } from "../../modules/asl/values";
import type { Machine } from "../../modules/asl/machine";

/** An error by its name in `Retry` and `Catch`: `Lambda.Unknown`. */
export class StatesError extends Error {
  constructor(
    override readonly name: string,
    cause = "",
  ) {
    super(cause);
  }
}

/** Does a task: what the service would answer. Throws {@link StatesError}; any other error is an error by its own name. */
export type Service = (
  parameters: Json,
  context: { readonly state: string; readonly attempt: number },
) => Promise<Json>;

export interface RunOptions {
  readonly clock: Clock;
  /** By what a resource's ARN ends with: `dynamodb:putItem`. */
  readonly services: Readonly<Record<string, Service>>;
  /** The execution's. @default "test" */
  readonly name?: string;
  /** The execution's. @default "arn:execution:<name>" */
  readonly arn?: string;
}

export interface Run {
  readonly status: () => "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  /** The states that were entered so far, those of nested machines among them. */
  readonly path: readonly string[];
  /** As StopExecution does: what a task has begun by then goes on, and its answer is heard by nobody. */
  abort(error: string, cause: string): void;
  readonly ended: Promise<Ended>;
}

export type Ended =
  | { readonly status: "SUCCEEDED"; readonly output: Json }
  | { readonly status: "FAILED" | "TIMED_OUT" | "ABORTED"; readonly error: string; readonly cause: string };

/** Starts an execution. */
export function runMachine(
  machine: Machine,
  input: Json,
  { clock, services, name = "test", arn = `arn:execution:${name}` }: RunOptions,
): Run {
  const definition = machineSchema.parse(machine);
  if (definition.QueryLanguage !== "JSONata") throw new Error("only JSONata machines run here");
  const path: string[] = [];
  let status: ReturnType<Run["status"]> = "RUNNING";
  let settle: (ended: Ended) => void = () => undefined;
  const ended = new Promise<Ended>((resolve) => {
    settle = resolve;
  });
  const end = (how: Ended): void => {
    if (status !== "RUNNING") return;
    status = how.status;
    settle(how);
  };
  const execution = { Name: name, Id: arn, Input: input, StartTime: isoOf(clock) };
  const variables = new Map<string, Json>();
  // Nothing is entered, retried or answered once an execution has ended.
  const alive = <T>(value: T): Promise<T> =>
    status === "RUNNING" ? Promise.resolve(value) : new Promise(() => undefined);
  if (definition.TimeoutSeconds !== undefined)
    clock.after(definition.TimeoutSeconds * 1_000, () => {
      end({ status: "TIMED_OUT", error: "", cause: "" });
    });

  void new Runner({ clock, services, path, execution, variables, alive }).run(definition, input).then(
    (output) => {
      end({ status: "SUCCEEDED", output });
    },
    (error: unknown) => {
      const { name: Error, message } = error instanceof globalThis.Error ? error : new TypeError(String(error));
      end({ status: "FAILED", error: Error, cause: message });
    },
  );
  return {
    status: () => status,
    path,
    ended,
    abort: (error, cause) => {
      end({ status: "ABORTED", error, cause });
    },
  };
}

interface Surroundings {
  readonly clock: Clock;
  readonly services: Readonly<Record<string, Service>>;
  readonly path: string[];
  readonly execution: Json;
  readonly variables: Map<string, Json>;
  readonly alive: <T>(value: T) => Promise<T>;
}

/** What an expression sees. */
interface Scope {
  readonly input: Json;
  readonly result?: Json;
  readonly errorOutput?: Json;
  readonly context: Json;
}

interface Step {
  readonly output: Json;
  readonly next: string | undefined;
}

class Runner {
  constructor(private readonly around: Surroundings) {}

  async run({ StartAt, States }: NestedMachine, input: Json): Promise<Json> {
    const states = z.record(z.string(), stateSchema).parse(States);
    let step: Step = { output: input, next: StartAt };
    while (step.next !== undefined) {
      const state = states[step.next];
      if (state === undefined) throw new StatesError("States.Runtime", `there is no state ${step.next}`);
      await this.around.alive(undefined);
      this.around.path.push(step.next);
      step = await this.enter(step.next, state, step.output);
    }
    return this.around.alive(step.output);
  }

  private async enter(name: string, state: RunnableState, input: Json): Promise<Step> {
    const { clock, execution } = this.around;
    const entered = isoOf(clock);
    const scopeAt = (attempt: number): Scope => ({
      input,
      context: { Execution: execution, State: { Name: name, EnteredTime: entered, RetryCount: attempt } },
    });
    const scope = scopeAt(0);
    switch (state.Type) {
      case "Succeed":
        return { output: await this.outputOf(state, scope, input), next: undefined };
      case "Fail":
        throw new StatesError(
          z.string().parse(await this.evaluate(state.Error ?? "", scope)),
          z.string().parse(await this.evaluate(state.Cause ?? "", scope)),
        );
      case "Pass":
        return this.leave(state, scope, input);
      case "Wait": {
        const until =
          state.Timestamp === undefined
            ? clock.now() + Number(await this.evaluate(state.Seconds ?? null, scope)) * 1_000
            : Date.parse(z.string().parse(await this.evaluate(state.Timestamp, scope)));
        await sleep(clock, Math.max(0, until - clock.now()));
        return this.leave(state, scope, input);
      }
      case "Choice": {
        for (const choice of state.Choices) {
          const holds = await this.evaluate(choice.Condition, scope);
          if (typeof holds !== "boolean") throw new StatesError("States.QueryEvaluationError", "no boolean");
          if (holds) return this.leave(choice, scope, input);
        }
        if (state.Default === undefined) throw new StatesError("States.NoChoiceMatched", name);
        return this.leave({ ...state, Next: state.Default }, scope, input);
      }
      case "Task":
        return this.trying(state, scopeAt, (tried, attempt) => this.call(name, state, tried, attempt));
      case "Parallel":
        return this.trying(state, scopeAt, async (tried) => {
          const given = state.Arguments === undefined ? input : await this.evaluate(state.Arguments, tried);
          return Promise.all(state.Branches.map((branch) => this.nested(branch, given)));
        });
      case "Map":
        return this.trying(state, scopeAt, (tried) => this.each(state, tried));
    }
  }

  /** What can fail: under its Retry and Catch. */
  private async trying(
    state: Fallible,
    scopeAt: (attempt: number) => Scope,
    attemptOnce: (scope: Scope, attempt: number) => Promise<Json>,
  ): Promise<Step> {
    const tries = new Map<object, number>();
    for (let attempt = 0; ; attempt++) {
      const scope = scopeAt(attempt);
      try {
        const result = await attemptOnce(scope, attempt);
        return await this.leave(state, { ...scope, result }, result);
      } catch (error) {
        await this.around.alive(undefined);
        const failure = error instanceof Error ? error : new TypeError(String(error));
        const retrier = (state.Retry ?? []).find(({ ErrorEquals }) => matches(ErrorEquals, failure.name));
        const tried = retrier === undefined ? 0 : (tries.get(retrier) ?? 0);
        if (retrier !== undefined && tried < (retrier.MaxAttempts ?? 3)) {
          tries.set(retrier, tried + 1);
          const delay = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** tried;
          await sleep(this.around.clock, Math.min(delay, retrier.MaxDelaySeconds ?? Infinity) * 1_000);
          await this.around.alive(undefined);
          continue;
        }
        const catcher = (state.Catch ?? []).find(({ ErrorEquals }) => matches(ErrorEquals, failure.name));
        if (catcher === undefined) throw failure;
        const errorOutput = { Error: failure.name, Cause: failure.message };
        return await this.leave(catcher, { ...scope, errorOutput }, errorOutput);
      }
    }
  }

  private async call(name: string, state: TaskState, scope: Scope, attempt: number): Promise<Json> {
    const { clock, services, alive } = this.around;
    const [, service] = Object.entries(services).find(([ending]) => state.Resource.endsWith(`:${ending}`)) ?? [];
    if (service === undefined) throw new Error(`nobody does ${state.Resource} in this test`);
    const parameters = state.Arguments === undefined ? scope.input : await this.evaluate(state.Arguments, scope);
    const seconds = Number(await this.evaluate(state.TimeoutSeconds ?? 99_999_999, scope));
    const answer = await new Promise<Json>((resolve, reject) => {
      const cancel = clock.after(seconds * 1_000, () => {
        reject(new StatesError("States.Timeout"));
      });
      service(parameters, { state: name, attempt }).then(resolve, reject).finally(cancel);
    });
    return alive(answer);
  }

  private async each(state: MapState, scope: Scope): Promise<Json> {
    const items = z
      .array(z.json())
      .parse(state.Items === undefined ? scope.input : await this.evaluate(state.Items, scope));
    const queue = items.entries();
    const results: Json[] = [];
    const most = Number(await this.evaluate(state.MaxConcurrency ?? 0, scope)) || items.length;
    const worker = async (): Promise<void> => {
      for (const [Index, Value] of queue) {
        const context = {
          ...z.record(z.string(), z.json()).parse(scope.context),
          Map: { Item: { Index, Value } },
        };
        const input =
          state.ItemSelector === undefined ? Value : await this.evaluate(state.ItemSelector, { ...scope, context });
        results[Index] = await this.nested(state.ItemProcessor, input);
      }
    };
    await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
    return results;
  }

  /** It sees what was assigned around it, and what it assigns is its own. */
  private nested(machine: NestedMachine, input: Json): Promise<Json> {
    return new Runner({ ...this.around, variables: new Map(this.around.variables) }).run(machine, input);
  }

  private async leave(state: Leaving, scope: Scope, output: Json): Promise<Step> {
    const left = { output: await this.outputOf(state, scope, output), next: state.Next };
    // All of them see the variables as they were.
    const assigned = await this.evaluate(state.Assign ?? {}, scope);
    for (const [name, value] of Object.entries(z.record(z.string(), z.json()).parse(assigned)))
      this.around.variables.set(name, value);
    return this.around.alive(left);
  }

  private outputOf({ Output }: { readonly Output?: Json | undefined }, scope: Scope, otherwise: Json): Promise<Json> {
    return Output === undefined ? Promise.resolve(otherwise) : this.evaluate(Output, scope);
  }

  private async evaluate(template: Json, scope: Scope): Promise<Json> {
    if (typeof template === "string") {
      const [, expression] = /^\{%([^]*)%\}$/.exec(template) ?? [];
      if (expression === undefined) return template;
      const value: unknown = await this.valueOf(expression, scope);
      // Step Functions has no undefined: a field that is not there is an error.
      if (value === undefined)
        throw new StatesError("States.QueryEvaluationError", `${expression.trim()} is undefined`);
      return z.json().parse(JSON.parse(JSON.stringify(value)));
    }
    if (Array.isArray(template)) return Promise.all(template.map((item: Json) => this.evaluate(item, scope)));
    if (typeof template !== "object" || template === null) return template;
    const entries = Object.entries(template).map(
      async ([key, value]) => [key, await this.evaluate(value, scope)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  private async valueOf(expression: string, scope: Scope): Promise<unknown> {
    try {
      const compiled = jsonata(expression);
      // Step Functions' own; of the others, none is needed yet.
      compiled.registerFunction("parse", (text: string): unknown => JSON.parse(text), "<s:x>");
      return await compiled.evaluate(undefined, {
        ...Object.fromEntries(this.around.variables),
        states: scope,
      });
    } catch (error) {
      const message =
        error instanceof Error || (typeof error === "object" && error !== null && "message" in error)
          ? error.message
          : error;
      throw new StatesError("States.QueryEvaluationError", `${expression.trim()}: ${String(message)}`);
    }
  }
}

const isoOf = (clock: Clock) => new Date(clock.now()).toISOString();

function matches(errors: readonly string[], name: string): boolean {
  if (errors.includes(name)) return true;
  if (errors.includes("States.ALL")) return name !== "States.Runtime";
  return errors.includes("States.TaskFailed") && name !== "States.Timeout";
}

const described = { Comment: z.string().optional() };
const leaving = {
  ...described,
  Output: z.json().optional(),
  Assign: z.record(z.string(), z.json()).optional(),
  Next: z.string().optional(),
  End: z.literal(true).optional(),
};
const fallible = {
  ...leaving,
  Retry: z
    .array(
      z.strictObject({
        ...described,
        ErrorEquals: z.array(z.string()),
        IntervalSeconds: z.number().optional(),
        MaxAttempts: z.number().optional(),
        BackoffRate: z.number().optional(),
        MaxDelaySeconds: z.number().optional(),
        JitterStrategy: z.enum(["FULL", "NONE"]).optional(),
      }),
    )
    .optional(),
  Catch: z
    .array(
      z.strictObject({
        ...described,
        ErrorEquals: z.array(z.string()),
        Next: z.string(),
        Output: z.json().optional(),
        Assign: z.record(z.string(), z.json()).optional(),
      }),
    )
    .optional(),
};
const numberOrExpression = z.union([z.number(), z.string()]).optional();
const taskSchema = z.strictObject({
  ...fallible,
  Type: z.literal("Task"),
  Resource: z.string(),
  Arguments: z.json().optional(),
  TimeoutSeconds: numberOrExpression,
});
const nestedMachineSchema = z.strictObject({
  ...described,
  StartAt: z.string(),
  ProcessorConfig: z.object({ Mode: z.literal("INLINE") }).optional(),
  States: z.record(z.string(), z.unknown()),
});
const mapSchema = z.strictObject({
  ...fallible,
  Type: z.literal("Map"),
  Items: z.json().optional(),
  ItemSelector: z.json().optional(),
  MaxConcurrency: numberOrExpression,
  ItemProcessor: nestedMachineSchema,
});
const stateSchema = z.discriminatedUnion("Type", [
  taskSchema,
  mapSchema,
  z.strictObject({
    ...fallible,
    Type: z.literal("Parallel"),
    Arguments: z.json().optional(),
    Branches: z.array(nestedMachineSchema),
  }),
  z.strictObject({ ...leaving, Type: z.literal("Pass") }),
  z.strictObject({
    ...leaving,
    Type: z.literal("Wait"),
    Seconds: numberOrExpression,
    Timestamp: z.string().optional(),
  }),
  z.strictObject({
    ...leaving,
    Type: z.literal("Choice"),
    Choices: z.array(z.strictObject({ ...leaving, Condition: z.union([z.boolean(), z.string()]) })),
    Default: z.string().optional(),
  }),
  z.strictObject({ ...described, Type: z.literal("Succeed"), Output: z.json().optional() }),
  z.strictObject({ ...described, Type: z.literal("Fail"), Error: z.string().optional(), Cause: z.string().optional() }),
]);
const machineSchema = nestedMachineSchema.extend({
  QueryLanguage: z.enum(["JSONata", "JSONPath"]),
  TimeoutSeconds: z.number().optional(),
});

type NestedMachine = z.output<typeof nestedMachineSchema>;
type RunnableState = z.output<typeof stateSchema>;
type TaskState = z.output<typeof taskSchema>;
type MapState = z.output<typeof mapSchema>;
interface Leaving {
  readonly Output?: Json | undefined;
  readonly Assign?: Readonly<Record<string, Json>> | undefined;
  readonly Next?: string | undefined;
}
type Fallible = Leaving & Pick<TaskState, "Retry" | "Catch">;
