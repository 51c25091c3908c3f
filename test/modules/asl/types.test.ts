/**
 * What the compiler refuses. `npm test` compiles this file: an invalid line that compiles makes its `@ts-expect-error` an error. At
 * run time, the tests check what only the constructor can see.
 */
import { jsonata, jsonpath } from "../../../modules/asl/asl";
import { MachineError } from "../../../modules/asl/machine";

/** Compiled but not run. */
const compiled = (_: () => unknown): void => undefined;

describe("the compiler", () => {
  const { stateMachine, wait, pass, choice, succeed, fail, map, parallel, task } = jsonata;

  it("refuses a StartAt, Next, Default, choice or Catch that names no state, and so does the constructor", () => {
    expect(() =>
      stateMachine({
        // @ts-expect-error Nowhere is no state
        StartAt: "Nowhere",
        States: { A: succeed() },
      }),
    ).toThrow(new MachineError("there is no state Nowhere; A is unreachable"));

    expect(() =>
      stateMachine({
        StartAt: "A",
        States: {
          // @ts-expect-error A leads to Nowhere
          A: wait({ Seconds: 1, Next: "Nowhere" }),
        },
      }),
    ).toThrow("there is no state Nowhere");

    expect(() =>
      stateMachine({
        StartAt: "A",
        States: {
          // @ts-expect-error A leads to Nowhere
          A: choice({ Choices: [{ Condition: "{% true %}", Next: "B" }], Default: "Nowhere" }),
          B: succeed(),
        },
      }),
    ).toThrow("there is no state Nowhere");

    expect(() =>
      stateMachine({
        StartAt: "A",
        States: {
          // @ts-expect-error A leads to Nowhere
          A: choice({ Choices: [{ Condition: "{% true %}", Next: "Nowhere" }], Default: "B" }),
          B: succeed(),
        },
      }),
    ).toThrow("there is no state Nowhere");

    expect(() =>
      stateMachine({
        StartAt: "A",
        States: {
          // @ts-expect-error A leads to Nowhere
          A: task({ Resource: "arn", Next: "B", Catch: [{ ErrorEquals: ["States.ALL"], Next: "Nowhere" }] }),
          B: succeed(),
        },
      }),
    ).toThrow("there is no state Nowhere");
  });

  it("refuses an unreachable state, even one that leads to itself or to a reachable state", () => {
    expect(() =>
      stateMachine({
        StartAt: "A",
        States: {
          A: wait({ Seconds: 1, Next: "B" }),
          B: succeed(),
          // @ts-expect-error nothing leads to Island
          Island: wait({ Seconds: 1, Next: "B" }),
          // @ts-expect-error nothing leads to Loop but itself
          Loop: wait({ Seconds: 1, Next: "Loop" }),
        },
      }),
    ).toThrow(new MachineError("Island is unreachable; Loop is unreachable"));
  });

  it("keeps the states of a nested machine apart from those of the outer one", () => {
    expect(() =>
      stateMachine({
        StartAt: "Each",
        States: {
          Each: map({
            ItemProcessor: stateMachine({
              StartAt: "One",
              States: {
                // @ts-expect-error Done is a state of the outer machine
                One: pass({ Next: "Done" }),
              },
            }),
            Next: "Done",
          }),
          Done: succeed(),
        },
      }),
    ).toThrow("there is no state Done");
  });

  it("accepts what leads somewhere in every way there is", () => {
    const one = stateMachine({ StartAt: "One", States: { One: pass({ End: true }) } });
    const two = stateMachine({ StartAt: "Two", States: { Two: pass({ End: true }) } });
    const three = stateMachine({ StartAt: "Three", States: { Three: pass({ End: true }) } });
    const machine = stateMachine({
      StartAt: "Choose",
      TimeoutSeconds: 60,
      States: {
        Choose: choice({ Choices: [{ Condition: "{% $states.input.many %}", Next: "Each" }], Default: "Beside" }),
        Each: map({ Items: "{% $states.input.items %}", ItemProcessor: one, Next: "Done" }),
        Beside: parallel({
          Branches: [two, three],
          Next: "Done",
          Catch: [{ ErrorEquals: ["States.Timeout", "Mine"], Next: "Failed" }],
        }),
        Done: succeed({ Output: { all: "{% $states.input %}" } }),
        Failed: fail({ Error: "Mine", Cause: "{% $states.input.reason %}" }),
      },
    });
    expect(Object.keys(machine.States)).toHaveLength(5);
  });

  it("refuses fields that a state's type does not have, and fields that exclude each other", () => {
    // @ts-expect-error Result is Pass's, in JSONPath
    compiled(() => wait({ Seconds: 1, End: true, Result: 3 }));
    // @ts-expect-error one of the two only
    compiled(() => wait({ Seconds: 1, Timestamp: "2026-11-21T00:00:00Z", End: true }));
    // @ts-expect-error one of the two only
    compiled(() => wait({ Seconds: 1, Next: "A", End: true }));
    // @ts-expect-error it has to go on somewhere
    compiled(() => wait({ Seconds: 1 }));
    // @ts-expect-error a text that is no expression
    compiled(() => wait({ Seconds: "thirty", End: true }));
    // @ts-expect-error nothing comes after it
    compiled(() => succeed({ Next: "A" }));
    // @ts-expect-error nothing comes after it
    compiled(() => fail({ Error: "Mine", Next: "A" }));
    // @ts-expect-error a choice has no Next of its own
    compiled(() => choice({ Choices: [], Next: "A" }));
    // @ts-expect-error that is no expression
    compiled(() => choice({ Choices: [{ Condition: "$states.input.many", Next: "A" }] }));
    // @ts-expect-error MaxConcurrency is Map's
    compiled(() => parallel({ Branches: [one], MaxConcurrency: 2, End: true }));
    // @ts-expect-error errors are a list
    compiled(() => task({ Resource: "arn", End: true, Retry: [{ ErrorEquals: "States.ALL" }] }));
    // @ts-expect-error a Pass does nothing that could fail
    compiled(() => pass({ End: true, Retry: [{ ErrorEquals: ["States.ALL"] }] }));
    const one = stateMachine({ StartAt: "One", States: { One: pass({ End: true }) } });
  });

  it("refuses parameters that a service does not have, and asks for those that it needs", () => {
    const { dynamoPut, dynamoUpdate, lambdaInvoke, sqsSend, startExecution } = jsonata;
    const Item = { id: { S: "{% $states.input.id %}" }, count: { N: "1" } };
    compiled(() => dynamoPut({ Arguments: { TableName: "tasks", Item }, End: true }));
    // @ts-expect-error TableNam is none
    compiled(() => dynamoPut({ Arguments: { TableNam: "tasks", Item }, End: true }));
    // @ts-expect-error a number travels as a string
    compiled(() => dynamoPut({ Arguments: { TableName: "tasks", Item: { count: { N: 1 } } }, End: true }));
    // @ts-expect-error an Item is put, a Key is updated
    compiled(() => dynamoUpdate({ Arguments: { TableName: "tasks", Item, UpdateExpression: "" }, End: true }));
    // @ts-expect-error the function is missing
    compiled(() => lambdaInvoke({ Arguments: { Payload: 1 }, End: true }));
    // @ts-expect-error the queue is missing
    compiled(() => sqsSend({ Arguments: { MessageBody: "hello" }, End: true }));
    // @ts-expect-error Input is its name
    compiled(() => startExecution({ Arguments: { StateMachineArn: "arn", Payload: 1 }, End: true }));
  });

  it("keeps the two query languages apart", () => {
    expect(() =>
      // At run time it is fine JSON, if it has nothing of its language in it.
      stateMachine({
        StartAt: "A",
        States: {
          // @ts-expect-error A is a state of a JSONPath machine
          A: jsonpath.succeed(),
        },
      }),
    ).not.toThrow();
    // @ts-expect-error Output is JSONata's
    compiled(() => jsonpath.pass({ Output: 1, End: true }));
    // @ts-expect-error ResultPath is JSONPath's
    compiled(() => jsonata.pass({ ResultPath: "$", End: true }));
    // @ts-expect-error Arguments are JSONata's
    compiled(() => jsonpath.lambdaInvoke({ Arguments: { FunctionName: "work" }, End: true }));
    // @ts-expect-error Parameters are JSONPath's
    compiled(() => jsonata.lambdaInvoke({ Parameters: { FunctionName: "work" }, End: true }));
  });

  it("knows JSONPath's own ways", () => {
    const { wait, choice, pass, lambdaInvoke } = jsonpath;
    compiled(() => wait({ SecondsPath: "$.seconds", End: true }));
    // @ts-expect-error that is no path
    compiled(() => wait({ SecondsPath: "seconds", End: true }));
    compiled(() => pass({ Parameters: { "id.$": "$.id", name: "fixed" }, ResultPath: null, End: true }));
    // @ts-expect-error behind .$ stands a path, or an intrinsic function
    compiled(() => pass({ Parameters: { "id.$": "id" }, End: true }));
    compiled(() => lambdaInvoke({ Parameters: { "FunctionName.$": "$.name", "Payload.$": "$" }, End: true }));
    compiled(() => choice({ Choices: [{ Variable: "$.n", NumericGreaterThan: 1, Next: "A" }], Default: "B" }));
    compiled(() => choice({ Choices: [{ Not: { Variable: "$.n", IsPresent: true }, Next: "A" }] }));
    // @ts-expect-error a number is no text
    compiled(() => choice({ Choices: [{ Variable: "$.n", NumericGreaterThan: "1", Next: "A" }] }));
    // @ts-expect-error one comparison each
    compiled(() => choice({ Choices: [{ Variable: "$.n", NumericEquals: 1, StringEquals: "1", Next: "A" }] }));
    // @ts-expect-error conditions are JSONata's
    compiled(() => choice({ Choices: [{ Condition: "{% true %}", Next: "A" }] }));
  });
});

describe("a machine's constructor", () => {
  const { stateMachine, wait, pass, succeed } = jsonata;

  it("looks at states that are there only sometimes", () => {
    const build = (between: boolean, first: "B" | "C") =>
      stateMachine({
        StartAt: "A",
        States: { A: wait({ Seconds: 1, Next: first }), ...(between && { B: pass({ Next: "C" }) }), C: succeed() },
      });
    expect(Object.keys(build(true, "B").States)).toEqual(["A", "B", "C"]);
    expect(Object.keys(build(false, "C").States)).toEqual(["A", "C"]);
    expect(() => build(true, "C")).toThrow(new MachineError("B is unreachable"));
    expect(() => build(false, "B")).toThrow(new MachineError("there is no state B; C is unreachable"));
  });

  it("refuses a name that a nested machine has too", () => {
    const inner = stateMachine({ StartAt: "Same", States: { Same: pass({ End: true }) } });
    expect(() =>
      stateMachine({ StartAt: "Same", States: { Same: jsonata.map({ ItemProcessor: inner, End: true }) } }),
    ).toThrow(new MachineError("Same is also the name of a state in a nested machine"));
  });

  it("refuses strings that Terraform would interpret", () => {
    expect(() => stateMachine({ StartAt: "A", States: { A: pass({ Output: '{%{"a": 1}%}', End: true }) } })).toThrow(
      new MachineError("A contains %{: write {% { with a space"),
    );
  });
});

describe("the compiler and the constructor take", () => {
  const { stateMachine, pass, lambdaInvoke, dynamoPut, dynamoGet, dynamoUpdate, startExecution, distributedMap } =
    jsonata;
  const key = { TableName: "orders", Key: { id: { S: "a" } } };
  const other = "arn:aws:states:eu-central-1:000000000000:stateMachine:other";
  const inner = stateMachine({ StartAt: "In", States: { In: pass({ End: true }) } });
  const each = { ExecutionType: "STANDARD", ItemProcessor: inner, End: true } as const;
  const S3 = "arn:aws:states:::s3:getObject";

  it.each([
    [
      "an asynchronous invocation",
      lambdaInvoke({ Arguments: { FunctionName: "f", InvocationType: "Event" }, End: true }),
    ],
    [
      "sets and bytes of DynamoDB",
      dynamoPut({
        Arguments: {
          TableName: "orders",
          Item: { id: { B: "aGk=" }, tags: { SS: ["a", "b"] }, numbers: { NS: "{% $states.input.n %}" } },
          ReturnConsumedCapacity: "TOTAL",
        },
        End: true,
      }),
    ],
    ["what a read consumes", dynamoGet({ Arguments: { ...key, ReturnConsumedCapacity: "INDEXES" }, End: true })],
    [
      "what a failed write found",
      dynamoUpdate({
        Arguments: { ...key, UpdateExpression: "REMOVE a", ReturnValuesOnConditionCheckFailure: "ALL_OLD" },
        End: true,
      }),
    ],
    [
      "an item that is an expression",
      dynamoPut({ Arguments: { TableName: "orders", Item: "{% $states.input.item %}" }, End: true }),
    ],
    [
      "values of an expression that are one",
      dynamoUpdate({
        Arguments: {
          TableName: "orders",
          Key: "{% $states.input.key %}",
          UpdateExpression: "SET a = :a",
          ExpressionAttributeValues: "{% $states.input.values %}",
        },
        End: true,
      }),
    ],
    ["a trace", startExecution({ Arguments: { StateMachineArn: other, TraceHeader: "Root=1" }, End: true })],
    [
      "a version of an object",
      distributedMap({
        ...each,
        ItemReader: {
          Resource: S3,
          ReaderConfig: { InputType: "MANIFEST", ManifestType: "S3_INVENTORY", MaxItems: "{% $states.input.n %}" },
          Arguments: { Bucket: "b", Key: "k", VersionId: "v" },
        },
      }),
    ],
  ] as const)("%s", (_, state) => {
    expect(() => stateMachine({ StartAt: "A", States: { A: state } })).not.toThrow();
  });

  const pinner = jsonpath.stateMachine({ StartAt: "In", States: { In: jsonpath.pass({ End: true }) } });

  it.each([
    ["an error and a cause of functions", jsonpath.fail({ ErrorPath: "$.e", CausePath: "States.Format('{}', $.c)" })],
    [
      "a heartbeat of a path",
      jsonpath.sqsSendForToken({
        Parameters: { "QueueUrl.$": "$.queue", MessageBody: { "token.$": "$$.Task.Token" } },
        HeartbeatSecondsPath: "$.heartbeat",
        End: true,
      }),
    ],
    ["a variable of a path", jsonpath.pass({ Assign: { "total.$": "$.total", count: 1, all: [] }, End: true })],
    [
      "a role of a function",
      jsonpath.task({
        Resource: "arn:aws:states:::lambda:invoke",
        Parameters: { FunctionName: "f" },
        Credentials: { "RoleArn.$": "States.Format('arn:aws:iam::{}:role/theirs', $.account)" },
        End: true,
      }),
    ],
    [
      "a set of a path",
      jsonpath.dynamoPut({
        Parameters: { TableName: "orders", Item: { id: { "S.$": "$.id" }, tags: { "SS.$": "$.tags" } } },
        End: true,
      }),
    ],
    [
      "numbers of a distributed map as paths",
      jsonpath.distributedMap({
        ExecutionType: "STANDARD",
        ItemProcessor: pinner,
        ItemReader: {
          Resource: S3,
          ReaderConfig: { InputType: "JSON", MaxItemsPath: "$.n" },
          Parameters: { Bucket: "b", "Key.$": "$.key" },
        },
        ItemBatcher: { MaxItemsPerBatchPath: "$.size", BatchInput: { "day.$": "$.day" } },
        End: true,
      }),
    ],
  ] as const)("%s", (_, state) => {
    expect(() => jsonpath.stateMachine({ StartAt: "A", States: { A: state } })).not.toThrow();
  });
});
