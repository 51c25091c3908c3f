/**
 * Typed Amazon States Language: a constructor for each state type and each service integration. They return the JSON itself.
 * {@link jsonata} is for new machines, {@link jsonpath} for existing ones.
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
import { validateMachine, type Machine, type MachineFields, type State, type ValidStates } from "./machine";
import type { QueryLanguage } from "./values";

type IntegrationConstructor<L extends QueryLanguage, P> = <const To extends string = never>(
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
     * A machine. The compiler refuses references to missing states, and unreachable states.
     *
     * @throws {@link MachineError} for errors that the compiler cannot see
     */
    stateMachine: <const S, const Start extends keyof S & string>({
      StartAt,
      States,
      ...fields
    }: MachineFields<S & ValidStates<L, S, Start>, Start>): Machine<L> => {
      const machine = { ...fields, QueryLanguage: language, StartAt, States: States as Machine<L>["States"] };
      validateMachine(machine);
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

    dynamoPut: call("dynamoPut") as IntegrationConstructor<L, DynamoPut<L>>,
    dynamoUpdate: call("dynamoUpdate") as IntegrationConstructor<L, DynamoUpdate<L>>,
    dynamoGet: call("dynamoGet") as IntegrationConstructor<L, DynamoGet<L>>,
    lambdaInvoke: call("lambdaInvoke") as IntegrationConstructor<L, LambdaInvoke>,
    sqsSend: call("sqsSend") as IntegrationConstructor<L, SqsSend>,
    startExecution: call("startExecution") as IntegrationConstructor<L, StartExecution>,
  };
}

/** The outermost machine declares the query language. */
function nested<L extends QueryLanguage>({ QueryLanguage: _, ...machine }: Machine<L>): Machine<L> {
  return machine;
}

export const jsonata = constructorsOf("JSONata");
export const jsonpath = constructorsOf("JSONPath");
