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
import type { Choice, DistributedMap, Fail, Integration, Map, Parallel, Pass, Succeed, Task, Wait } from "./fields";
import {
  RESOURCES,
  type DynamoGet,
  type DynamoPut,
  type DynamoUpdate,
  type LambdaInvoke,
  type SqsSend,
  type StartExecution,
} from "./integrations";
import { MachineError, type Machine, type MachineFields, type State, type ValidStates } from "./machine";
import { validateMachine } from "./validate-machine";
import type { QueryLanguage } from "./values";

/** With `.sync:2`: waits for the end of what it starts. */
type Suffix = "" | ".sync:2" | ".waitForTaskToken";

type IntegrationConstructor<L extends QueryLanguage, P> = <const To extends string = never>(
  fields: Integration<L, To, P>,
) => State<L, To>;

interface DistributedProcessor<L extends QueryLanguage> {
  readonly ExecutionType: string;
  readonly ItemProcessor: Machine<L>;
}

function constructorsOf<L extends QueryLanguage>(language: L) {
  const task = <To extends string>(fields: { readonly Resource: string }): State<L, To> => ({
    Type: "Task",
    ...fields,
  });
  const call =
    (name: keyof typeof RESOURCES, suffix: Suffix = "") =>
    <To extends string>(fields: object): State<L, To> =>
      task({ Resource: `${RESOURCES[name]}${suffix}`, ...fields });
  const nested = nestedIn(language);
  const machineOf = <S>({ StartAt, States, ...fields }: MachineFields<S, string>): Machine<L> => ({
    ...fields,
    QueryLanguage: language,
    StartAt,
    States: States as Machine<L>["States"],
  });

  return {
    /**
     * A machine. The compiler refuses references to missing states, and unreachable states. Three kinds of fault remain, because nothing here
     * has what would show them: a field that the input does not have (inputs have no schema), a name in ErrorEquals that no function throws
     * (functions throw any), and what AWS alone knows: a target in another account, a call or a value that resembles none that is known here and may be newer.
     *
     * @throws {@link MachineError} for errors that the compiler cannot see
     */
    stateMachine: <const S, const Start extends keyof S & string>(
      fields: MachineFields<S & ValidStates<L, S, Start>, Start>,
    ): Machine<L> => {
      const machine = machineOf(fields);
      validateMachine(machine);
      return machine;
    },

    /** A machine of a Map or Parallel state that reads variables of its outer machine, which checks them. */
    nestedMachine: <const S, const Start extends keyof S & string>(
      fields: MachineFields<S & ValidStates<L, S, Start>, Start>,
    ): Machine<L> => {
      const machine = machineOf(fields);
      validateMachine(machine, "unknown");
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

    /** @see https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html */
    distributedMap: <const To extends string = never>(fields: DistributedMap<L, To>): State<L, To> => {
      const { ExecutionType, ItemProcessor, ...rest }: DistributedProcessor<L> = fields;
      const processor = { ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType }, ...nested(ItemProcessor) };
      return { Type: "Map", ...rest, ItemProcessor: processor };
    },

    dynamoPut: call("dynamoPut") as IntegrationConstructor<L, DynamoPut<L>>,
    dynamoUpdate: call("dynamoUpdate") as IntegrationConstructor<L, DynamoUpdate<L>>,
    dynamoGet: call("dynamoGet") as IntegrationConstructor<L, DynamoGet<L>>,
    lambdaInvoke: call("lambdaInvoke") as IntegrationConstructor<L, LambdaInvoke>,
    sqsSend: call("sqsSend") as IntegrationConstructor<L, SqsSend>,
    startExecution: call("startExecution") as IntegrationConstructor<L, StartExecution>,
    /** Waits for the execution's end. Its result is the execution, with its output as JSON. */
    startExecutionSync: call("startExecution", ".sync:2") as IntegrationConstructor<L, StartExecution>,

    /** They pass on `$states.context.Task.Token`, and wait until SendTaskSuccess or SendTaskFailure is called with it. */
    lambdaInvokeForToken: call("lambdaInvoke", ".waitForTaskToken") as IntegrationConstructor<L, LambdaInvoke>,
    sqsSendForToken: call("sqsSend", ".waitForTaskToken") as IntegrationConstructor<L, SqsSend>,
    startExecutionForToken: call("startExecution", ".waitForTaskToken") as IntegrationConstructor<L, StartExecution>,
  };
}

/**
 * The outermost machine declares the query language.
 *
 * @throws {@link MachineError} for a nested machine in another one
 */
function nestedIn<L extends QueryLanguage>(language: L) {
  return ({ QueryLanguage: own, ...machine }: Machine<L>): Machine<L> => {
    if (own !== undefined && own !== language)
      throw new MachineError(`a nested machine is in ${own}, and the machine around it in ${language}`);
    return machine;
  };
}

export const jsonata = constructorsOf("JSONata");
export const jsonpath = {
  ...constructorsOf("JSONPath"),
  /**
   * A state with a query language of its own, without nested machines. JSONata machines have no JSONPath states.
   *
   * @throws {@link MachineError}
   */
  inJsonata: <const To extends string>(state: State<"JSONata", To>): State<"JSONPath", To> => {
    const { ItemProcessor, Iterator, Branches, ...leaf } = state;
    if (ItemProcessor ?? Iterator ?? Branches)
      throw new MachineError("a JSONata state of a JSONPath machine has a nested machine");
    return { ...leaf, QueryLanguage: "JSONata" };
  },
};
