/**
 * Typed Amazon States Language: one constructor for each type of state, and for each service that machines call. What they
 * return is the JSON itself. {@link jsonata} is for new machines; {@link jsonpath} for those that are written in it.
 *
 * @example
 *   const { stateMachine, wait, lambdaInvoke } = jsonata;
 *   stateMachine({
 *     StartAt: "Pause",
 *     States: {
 *       Pause: wait({ Seconds: 30, Next: "Work" }),
 *       Work: lambdaInvoke({ Arguments: { FunctionName: "work", Payload: "{% $states.input %}" }, End: true }),
 *     },
 *   });
 */
import type { Choice, Fail, Integration, Map, Parallel, Pass, Succeed, Task, Wait } from "./fields";
import {
  RESOURCES,
  type DynamoGet,
  type DynamoPut,
  type DynamoUpdate,
  type LambdaInvoke,
  type SqsSend,
  type StartExecution,
} from "./integrations";
import { rejectFaults, type Machine, type MachineFields, type State, type Whole } from "./machine";
import type { QueryLanguage } from "./values";

/** A task that calls a service. */
type Call<L extends QueryLanguage, P> = <const To extends string = never>(
  fields: Integration<L, To, P>,
) => State<L, To>;

function constructorsOf<L extends QueryLanguage>(language: L) {
  const task = <To extends string>(fields: { readonly Resource: string }): State<L, To> => ({
    Type: "Task",
    ...fields,
  });
  const call =
    (name: keyof typeof RESOURCES) =>
    <To extends string>(fields: object): State<L, To> =>
      task({ Resource: RESOURCES[name], ...fields });

  return {
    /**
     * A whole machine. The compiler refuses a name that no state has, and a state that nothing leads to.
     *
     * @throws {@link MachineError} for what the compiler cannot know
     */
    stateMachine: <const S, const Start extends keyof S & string>({
      StartAt,
      States,
      ...fields
    }: MachineFields<S & Whole<L, S, Start>, Start>): Machine<L> => {
      const machine = { ...fields, QueryLanguage: language, StartAt, States: States as Machine<L>["States"] };
      rejectFaults(machine);
      return machine;
    },

    task: task as <const To extends string = never>(fields: Task<L, To>) => State<L, To>,
    pass: <const To extends string = never>(fields: Pass<L, To>): State<L, To> => ({ Type: "Pass", ...fields }),
    wait: <const To extends string = never>(fields: Wait<L, To>): State<L, To> => ({ Type: "Wait", ...fields }),
    choice: <const To extends string = never>(fields: Choice<L, To>): State<L, To> => ({ Type: "Choice", ...fields }),
    succeed: (fields: Succeed<L> = {}): State<L, never> => ({ Type: "Succeed", ...fields }),
    fail: (fields: Fail<L>): State<L, never> => ({ Type: "Fail", ...fields }),
    parallel: <const To extends string = never>(fields: Parallel<L, To>): State<L, To> => ({
      Type: "Parallel",
      ...fields,
      Branches: fields.Branches.map(nested),
    }),
    map: <const To extends string = never>(fields: Map<L, To>): State<L, To> => {
      const processor = { ProcessorConfig: { Mode: "INLINE" }, ...nested(fields.ItemProcessor) };
      return { Type: "Map", ...fields, ItemProcessor: processor };
    },

    dynamoPut: call("dynamoPut") as Call<L, DynamoPut<L>>,
    dynamoUpdate: call("dynamoUpdate") as Call<L, DynamoUpdate<L>>,
    dynamoGet: call("dynamoGet") as Call<L, DynamoGet<L>>,
    lambdaInvoke: call("lambdaInvoke") as Call<L, LambdaInvoke>,
    sqsSend: call("sqsSend") as Call<L, SqsSend>,
    startExecution: call("startExecution") as Call<L, StartExecution>,
  };
}

/** The language is said once, by the outermost machine. */
function nested<L extends QueryLanguage>({ QueryLanguage: _, ...machine }: Machine<L>): Machine<L> {
  return machine;
}

export const jsonata = constructorsOf("JSONata");
export const jsonpath = constructorsOf("JSONPath");
