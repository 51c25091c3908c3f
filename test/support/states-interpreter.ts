/**
 * Runs JSONata state machines on a virtual clock, as documented for Step Functions. Rejects unsupported fields. Has no jitter, so runs
 * are reproducible.
 */
import jsonata from "jsonata";
import * as z from "zod";
import { oncePerObject } from "./once-per-object";
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

/** A task's service. Returns its result, or throws {@link StatesError} or an error with another name. */
export type Service = (
  parameters: Json,
  context: {
    readonly state: string;
    readonly attempt: number;
    /** Of a state that waits for a token. */
    readonly token?: string;
    /** Aborted when the task has timed out. */
    readonly signal: AbortSignal;
  },
) => Promise<Json>;

export interface RunOptions {
  readonly clock: Clock;
  /** By the end of the resource's ARN: `dynamodb:putItem`. */
  readonly services: Readonly<Record<string, Service>>;
  /** The execution's. @default "test" */
  readonly name?: string;
  /** The execution's. @default "arn:execution:<name>" */
  readonly arn?: string;
  /** The machine's. @default "arn:machine" */
  readonly machineArn?: string;
  /**
   * As RedriveExecution: the state that failed, of the machine or of the only branch of one of its Parallel states. Its input is the
   * execution's, so all states before it must pass it on. @default from the start
   */
  readonly resumeAt?: string;
  /** How often it was redriven. @default 0 */
  readonly redriveCount?: number;
  /** When it was started, epoch milliseconds: a redrive does not change it. @default now */
  readonly startedAt?: number;
}

/** Step Functions ends an execution whose history has more events. */
const HISTORY_LIMIT = 25_000;

export interface Run {
  readonly status: () => "RUNNING" | "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  /** The states entered so far, including those of nested machines. */
  readonly path: readonly string[];
  /** Events of the longest history, of the execution or of one of a distributed map. */
  readonly longestHistory: () => number;
  /** As StopExecution: a task in progress continues, but its result is ignored. */
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
  {
    clock,
    services,
    name = "test",
    arn = `arn:execution:${name}`,
    machineArn = "arn:machine",
    resumeAt,
    redriveCount = 0,
    startedAt = clock.now(),
  }: RunOptions,
): Run {
  const definition = machineOf(machine);
  if (definition.QueryLanguage !== "JSONata") throw new Error("only JSONata machines run here");
  const path: string[] = [];
  let status: ReturnType<Run["status"]> = "RUNNING";
  let resolveEnded: (ended: Ended) => void = () => undefined;
  const ended = new Promise<Ended>((resolve) => {
    resolveEnded = resolve;
  });
  const end = (how: Ended): void => {
    if (status !== "RUNNING") return;
    status = how.status;
    resolveEnded(how);
  };
  const execution = {
    ...{ Name: name, Id: arn, Input: input, StartTime: new Date(startedAt).toISOString(), RedriveCount: redriveCount },
    ...(redriveCount > 0 && { RedriveTime: isoOf(clock) }),
  };
  const variables = new Map<string, Json>();
  const histories: History[] = [];
  // After the execution's end, no state is entered, retried or completed.
  const whileRunning = <T>(value: T): Promise<T> =>
    status === "RUNNING" ? Promise.resolve(value) : new Promise(() => undefined);
  if (definition.TimeoutSeconds !== undefined)
    clock.after(definition.TimeoutSeconds * 1_000, () => {
      end({ status: "TIMED_OUT", error: "", cause: "" });
    });

  const context = {
    clock,
    services,
    path,
    execution,
    machineArn,
    variables,
    whileRunning,
    histories,
    resume: { at: resumeAt },
  };
  void new Runner({ ...context, history: newHistory(histories) }).run(definition, input).then(
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
    longestHistory: () => Math.max(...histories.map(({ events }) => events)),
    ended,
    abort: (error, cause) => {
      end({ status: "ABORTED", error, cause });
    },
  };
}

/** Of one execution. */
interface History {
  events: number;
}

function newHistory(histories: History[]): History {
  const history = { events: 2 }; // of its start and end
  histories.push(history);
  return history;
}

interface RunContext {
  readonly clock: Clock;
  readonly services: Readonly<Record<string, Service>>;
  readonly path: string[];
  readonly execution: Json;
  readonly machineArn: string;
  readonly variables: Map<string, Json>;
  /** All of them, and the one of this execution. */
  readonly histories: History[];
  readonly history: History;
  readonly whileRunning: <T>(value: T) => Promise<T>;
  /** Where a redriven execution has yet to resume. */
  readonly resume: { at: string | undefined };
}

/** An expression's `$states`. */
interface Scope {
  readonly input: Json;
  readonly result?: Json;
  readonly errorOutput?: Json;
  readonly context: Json;
  /** Of a state that waits for it. */
  readonly token?: string;
}

interface Step {
  readonly output: Json;
  readonly next: string | undefined;
}

class Runner {
  constructor(private readonly context: RunContext) {}

  async run({ StartAt, States }: NestedMachine, input: Json): Promise<Json> {
    const states = statesOf(States);
    let step: Step = { output: input, next: this.resumed(states) ?? StartAt };
    while (step.next !== undefined) {
      const state = states[step.next];
      if (state === undefined) throw new StatesError("States.Runtime", `there is no state ${step.next}`);
      await this.context.whileRunning(undefined);
      this.context.path.push(step.next);
      this.record(2); // entered and left
      step = await this.enter(step.next, state, step.output);
    }
    return this.context.whileRunning(step.output);
  }

  /** The state in which a redriven execution resumes: the one that failed, or the one around it. */
  private resumed(states: Readonly<Record<string, RunnableState>>): string | undefined {
    const { resume } = this.context;
    const { at } = resume;
    if (at === undefined) return undefined;
    if (at in states) {
      resume.at = undefined;
      return at;
    }
    const outer = Object.entries(states).find(
      ([, state]) => state.Type === "Parallel" && state.Branches.some(({ States }) => at in States),
    );
    return outer?.[0];
  }

  private record(events: number): void {
    this.context.history.events += events;
    if (this.context.history.events > HISTORY_LIMIT)
      throw new StatesError("States.Runtime", `the execution has reached ${HISTORY_LIMIT} history events`);
  }

  private async enter(name: string, state: RunnableState, input: Json): Promise<Step> {
    const { clock, execution, machineArn } = this.context;
    const entered = isoOf(clock);
    const waitsForToken = state.Type === "Task" && state.Resource.endsWith(".waitForTaskToken");
    const tokenAt = (attempt: number) => [idOf(execution), name, entered, attempt].join("/");
    const scopeAt = (attempt: number): Scope => ({
      input,
      ...(waitsForToken && { token: tokenAt(attempt) }),
      context: {
        Execution: execution,
        StateMachine: { Id: machineArn },
        ...(waitsForToken && { Task: { Token: tokenAt(attempt) } }),
        State: { Name: name, EnteredTime: entered, RetryCount: attempt },
      },
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
        return this.withRetries(state, scopeAt, (scope, attempt) => this.call(name, state, scope, attempt));
      case "Parallel":
        return this.withRetries(state, scopeAt, async (scope) => {
          const branchInput = state.Arguments === undefined ? input : await this.evaluate(state.Arguments, scope);
          return Promise.all(state.Branches.map((branch) => this.nested(branch, branchInput)));
        });
      case "Map":
        return this.withRetries(state, scopeAt, (scope) => this.runMap(state, scope));
    }
  }

  /** With the state's Retry and Catch. */
  private async withRetries(
    state: Fallible,
    scopeAt: (attempt: number) => Scope,
    attemptOnce: (scope: Scope, attempt: number) => Promise<Json>,
  ): Promise<Step> {
    const retriesOf = new Map<object, number>();
    for (let attempt = 0; ; attempt++) {
      const scope = scopeAt(attempt);
      try {
        const result = await attemptOnce(scope, attempt);
        return await this.leave(state, { ...scope, result }, result);
      } catch (error) {
        await this.context.whileRunning(undefined);
        const failure = error instanceof Error ? error : new TypeError(String(error));
        const retrier = (state.Retry ?? []).find(({ ErrorEquals }) => matches(ErrorEquals, failure.name));
        const retries = retrier === undefined ? 0 : (retriesOf.get(retrier) ?? 0);
        if (retrier !== undefined && retries < (retrier.MaxAttempts ?? 3)) {
          retriesOf.set(retrier, retries + 1);
          const delay = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** retries;
          await sleep(this.context.clock, Math.min(delay, retrier.MaxDelaySeconds ?? Infinity) * 1_000);
          await this.context.whileRunning(undefined);
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
    const { clock, services, whileRunning } = this.context;
    const [, service] = Object.entries(services).find(([ending]) => state.Resource.endsWith(`:${ending}`)) ?? [];
    if (service === undefined) throw new Error(`no service for ${state.Resource}`);
    this.record(3); // scheduled, started, and succeeded, failed or timed out
    const parameters = state.Arguments === undefined ? scope.input : await this.evaluate(state.Arguments, scope);
    const seconds = Number(await this.evaluate(state.TimeoutSeconds ?? 99_999_999, scope));
    const { token } = scope;
    const over = new AbortController();
    const result = await new Promise<Json>((resolve, reject) => {
      const cancel = clock.after(seconds * 1_000, () => {
        over.abort();
        reject(new StatesError("States.Timeout"));
      });
      service(parameters, { state: name, attempt, ...(token !== undefined && { token }), signal: over.signal })
        .then(resolve, reject)
        .finally(cancel);
    });
    return whileRunning(result);
  }

  private async runMap(state: MapState, scope: Scope): Promise<Json> {
    const items = z
      .array(jsonSchema)
      .parse(state.Items === undefined ? scope.input : await this.evaluate(state.Items, scope));
    const queue = items.entries();
    const results: Json[] = [];
    const limit = Number(await this.evaluate(state.MaxConcurrency ?? 0, scope)) || items.length;
    const { ProcessorConfig } = state.ItemProcessor;
    const isDistributed = ProcessorConfig?.Mode === "DISTRIBUTED";
    this.record(isDistributed ? 2 : 2 + 2 * items.length); // started and ended, and so each iteration
    const worker = async (): Promise<void> => {
      for (const [Index, Value] of queue) {
        const context = {
          ...fieldsSchema.parse(scope.context),
          Map: { Item: { Index, Value } },
        };
        const input =
          state.ItemSelector === undefined ? Value : await this.evaluate(state.ItemSelector, { ...scope, context });
        results[Index] = await (isDistributed
          ? this.child(state, input, Index)
          : this.nested(state.ItemProcessor, input));
      }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
    return results;
  }

  /** Reads the outer variables; its own assignments stay local. */
  private nested(machine: NestedMachine, input: Json): Promise<Json> {
    return new Runner({ ...this.context, variables: new Map(this.context.variables) }).run(machine, input);
  }

  /** An execution of a distributed map: with a history of its own, and without the outer variables. */
  private async child({ ItemProcessor }: MapState, input: Json, index: number): Promise<Json> {
    const { execution, histories } = this.context;
    const child = { ...this.context, variables: new Map<string, Json>(), history: newHistory(histories) };
    const own = {
      Name: String(index),
      Id: `${idOf(execution)}/${index}`,
      Input: input,
      StartTime: isoOf(this.context.clock),
    };
    try {
      return await new Runner({ ...child, execution: own }).run(ItemProcessor, input);
    } catch (error) {
      await this.context.whileRunning(undefined);
      throw new StatesError("States.ExceedToleratedFailureThreshold", String(error));
    }
  }

  private async leave(state: Leaving, scope: Scope, output: Json): Promise<Step> {
    const left = { output: await this.outputOf(state, scope, output), next: state.Next };
    // All assignments read the variables' previous values.
    const assigned = await this.evaluate(state.Assign ?? {}, scope);
    for (const [name, value] of Object.entries(fieldsSchema.parse(assigned))) this.context.variables.set(name, value);
    return this.context.whileRunning(left);
  }

  private outputOf({ Output }: { readonly Output?: Json | undefined }, scope: Scope, otherwise: Json): Promise<Json> {
    return Output === undefined ? Promise.resolve(otherwise) : this.evaluate(Output, scope);
  }

  private async evaluate(template: Json, scope: Scope): Promise<Json> {
    if (typeof template === "string") {
      const [, expression] = /^\{%([^]*)%\}$/.exec(template) ?? [];
      if (expression === undefined) return template;
      const value: unknown = await this.valueOf(expression, scope);
      // In Step Functions a missing field is an error.
      if (value === undefined)
        throw new StatesError("States.QueryEvaluationError", `${expression.trim()} is undefined`);
      return JSON.parse(JSON.stringify(value)) as Json;
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
      return await compiled(expression).evaluate(undefined, {
        ...Object.fromEntries(this.context.variables),
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

/** A machine evaluates the same few expressions repeatedly. */
const expressions = new Map<string, jsonata.Expression>();

function compiled(expression: string): jsonata.Expression {
  let known = expressions.get(expression);
  if (known === undefined) {
    known = jsonata(expression);
    // Step Functions' own function. Its others are not needed yet.
    known.registerFunction("parse", (text: string): unknown => JSON.parse(text), "<s:x>");
    expressions.set(expression, known);
  }
  return known;
}

const executionSchema = z.object({ Id: z.string() });
const idOf = (execution: Json) => executionSchema.parse(execution).Id;

const isoOf = (clock: Clock) => new Date(clock.now()).toISOString();

function matches(errors: readonly string[], name: string): boolean {
  if (errors.includes(name)) return true;
  if (errors.includes("States.ALL")) return name !== "States.Runtime";
  return errors.includes("States.TaskFailed") && name !== "States.Timeout";
}

// Made once: a schema takes longer than what it parses.
const jsonSchema = z.json();
const fieldsSchema = z.record(z.string(), jsonSchema);
const commented = { Comment: z.string().optional() };
const leaving = {
  ...commented,
  Output: jsonSchema.optional(),
  Assign: fieldsSchema.optional(),
  Next: z.string().optional(),
  End: z.literal(true).optional(),
};
const fallible = {
  ...leaving,
  Retry: z
    .array(
      z.strictObject({
        ...commented,
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
        ...commented,
        ErrorEquals: z.array(z.string()),
        Next: z.string(),
        Output: jsonSchema.optional(),
        Assign: fieldsSchema.optional(),
      }),
    )
    .optional(),
};
const numberOrExpression = z.union([z.number(), z.string()]).optional();
const taskSchema = z.strictObject({
  ...fallible,
  Type: z.literal("Task"),
  Resource: z.string(),
  Arguments: jsonSchema.optional(),
  TimeoutSeconds: numberOrExpression,
});
const nestedMachineSchema = z.strictObject({
  ...commented,
  StartAt: z.string(),
  ProcessorConfig: z.object({ Mode: z.enum(["INLINE", "DISTRIBUTED"]) }).optional(),
  States: z.record(z.string(), z.unknown()),
});
const mapSchema = z.strictObject({
  ...fallible,
  Type: z.literal("Map"),
  Items: jsonSchema.optional(),
  ItemSelector: jsonSchema.optional(),
  MaxConcurrency: numberOrExpression,
  ItemProcessor: nestedMachineSchema,
  /** Of a distributed map. */
  Label: z.string().optional(),
});
const stateSchema = z.discriminatedUnion("Type", [
  taskSchema,
  mapSchema,
  z.strictObject({
    ...fallible,
    Type: z.literal("Parallel"),
    Arguments: jsonSchema.optional(),
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
  z.strictObject({ ...commented, Type: z.literal("Succeed"), Output: jsonSchema.optional() }),
  z.strictObject({ ...commented, Type: z.literal("Fail"), Error: z.string().optional(), Cause: z.string().optional() }),
]);
const machineSchema = nestedMachineSchema.extend({
  QueryLanguage: z.enum(["JSONata", "JSONPath"]),
  TimeoutSeconds: z.number().optional(),
});

// A machine runs thousands of times.
const machineOf = oncePerObject((machine) => machineSchema.parse(machine));
const statesSchema = z.record(z.string(), stateSchema);
const statesOf = oncePerObject((states) => statesSchema.parse(states));

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
