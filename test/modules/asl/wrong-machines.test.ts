/**
 * Machines that Step Functions refuses, or that fail in every execution. types.test.ts has those that the compiler refuses; the constructor
 * refuses these.
 */
import { jsonata, jsonpath } from "../../../modules/asl/asl";
import type { AttributeValue } from "../../../modules/asl/integrations";
import { MachineError, type State } from "../../../modules/asl/machine";

const { stateMachine, nestedMachine, wait, pass, choice, fail, map, task, ...calls } = jsonata;
const { dynamoPut, dynamoUpdate, lambdaInvoke, lambdaInvokeForToken, parallel, distributedMap, startExecutionSync } =
  calls;

const ALL = ["States.ALL"] as const;
const publish = { Resource: "arn:aws:states:::sns:publish" } as const;
const work = { ...publish, End: true } as const;
const one = (state: State<"JSONata", never>) => stateMachine({ StartAt: "One", States: { One: state } });
const inner = stateMachine({ StartAt: "In", States: { In: pass({ End: true }) } });
const each = { ExecutionType: "STANDARD", ItemProcessor: inner, End: true } as const;
const Key = { id: { S: "a" } };
const invoke = { FunctionName: "work" };
const assigning = stateMachine({ StartAt: "In", States: { In: pass({ Assign: { total: 1 }, End: true }) } });
const other = "arn:aws:states:eu-central-1:000000000000:stateMachine:other";
const updating = (UpdateExpression: string, value: AttributeValue<"JSONata">, hasName: boolean) =>
  dynamoUpdate({
    Arguments: {
      ...{ TableName: "t", Key, UpdateExpression, ExpressionAttributeValues: { ":b": value } },
      ...(hasName && { ExpressionAttributeNames: { "#a": "status" } }),
    },
    End: true,
  });
const yes = "{% $states.input.yes %}" as const;

const WRONG: readonly (readonly [wrong: string, build: () => unknown, message: RegExp])[] = [
  [
    "a Choice without Default",
    () =>
      stateMachine({
        StartAt: "A",
        States: { A: choice({ Choices: [{ Condition: yes, Next: "B" }] }), B: pass({ End: true }) },
      }),
    /no Default/,
  ],
  [
    "a JSONPath Choice without Default",
    () =>
      jsonpath.stateMachine({
        StartAt: "A",
        States: {
          A: jsonpath.choice({ Choices: [{ Variable: "$.n", NumericEquals: 1, Next: "B" }] }),
          B: jsonpath.succeed(),
        },
      }),
    /no Default/,
  ],
  [
    "a Choice without rules",
    () => stateMachine({ StartAt: "A", States: { A: choice({ Choices: [], Default: "B" }), B: pass({ End: true }) } }),
    /no Choices/,
  ],
  [
    "States.ALL beside another error",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ["Mine", "States.ALL"] }] })),
    /States.ALL beside other errors in Retry/,
  ],
  [
    "States.ALL before another retrier",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL }, { ErrorEquals: ["Mine"] }] })),
    /States.ALL before the end of Retry/,
  ],
  [
    "States.ALL before another catcher",
    () =>
      stateMachine({
        StartAt: "A",
        States: {
          A: task({
            ...work,
            Catch: [
              { ErrorEquals: ALL, Next: "B" },
              { ErrorEquals: ["Mine"], Next: "B" },
            ],
          }),
          B: fail({}),
        },
      }),
    /States.ALL before the end of Catch/,
  ],
  [
    "an error of Step Functions that does not exist",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ["States.Timeouts"] }] })),
    /States.Timeouts in Retry/,
  ],
  [
    "a heartbeat as long as the timeout",
    () => one(task({ ...work, TimeoutSeconds: 60, HeartbeatSeconds: 60 })),
    /HeartbeatSeconds that are not less/,
  ],
  ["a timeout of nothing", () => one(task({ ...work, TimeoutSeconds: 0 })), /TimeoutSeconds 0/],
  ["a timeout of half a second", () => one(task({ ...work, TimeoutSeconds: 0.5 })), /TimeoutSeconds 0.5/],
  [
    "a machine's timeout beyond the limit",
    () => stateMachine({ StartAt: "A", TimeoutSeconds: 100_000_000, States: { A: pass({ End: true }) } }),
    /TimeoutSeconds 100000000/,
  ],
  ["a negative wait", () => one(wait({ Seconds: -1, End: true })), /Seconds -1/],
  ["a wait of more than three years", () => one(wait({ Seconds: 100_000_000, End: true })), /Seconds 100000000/],
  ["a wait until no time", () => one(wait({ Timestamp: "tomorrow", End: true })), /Timestamp that is not RFC 3339/],
  [
    "a backoff that shrinks",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, BackoffRate: 0.5 }] })),
    /BackoffRate 0.5/,
  ],
  [
    "a retry at once",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, IntervalSeconds: 0 }] })),
    /IntervalSeconds 0/,
  ],
  [
    "a negative number of retries",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, MaxAttempts: -1 }] })),
    /MaxAttempts -1/,
  ],
  [
    "a longest delay below the first",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, IntervalSeconds: 60, MaxDelaySeconds: 30 }] })),
    /MaxDelaySeconds that are not more/,
  ],
  [
    "a longest delay as long as the first",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, IntervalSeconds: 30, MaxDelaySeconds: 30 }] })),
    /MaxDelaySeconds that are not more/,
  ],
  [
    "eleven functions within each other",
    () => {
      const nested = `States.Array(${"States.Array(".repeat(10)}1${")".repeat(10)})` as const;
      const A = jsonpath.pass({ Parameters: { "a.$": nested }, End: true });
      return jsonpath.stateMachine({ StartAt: "A", States: { A } });
    },
    /more than 10 intrinsic functions/,
  ],
  [
    "a longest delay of more than 366 days",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ALL, MaxDelaySeconds: 31_622_401 }] })),
    /MaxDelaySeconds 31622401/,
  ],
  [
    "batches larger than an input",
    () => one(distributedMap({ ...each, ItemBatcher: { MaxInputBytesPerBatch: 262_145 } })),
    /MaxInputBytesPerBatch 262145/,
  ],
  [
    "a name of 81 characters",
    () => stateMachine({ StartAt: "A", States: { A: pass({ Next: "B".repeat(81) }), ["B".repeat(81)]: fail({}) } }),
    /names have at most 80/,
  ],
  [
    "a negative concurrency",
    () => one(map({ ItemProcessor: inner, MaxConcurrency: -1, End: true })),
    /MaxConcurrency -1/,
  ],
  ["no JSONata", () => one(pass({ Output: "{% $states.input. %}", End: true })), /is not JSONata/],
  [
    "an expression within a text",
    () => one(pass({ Output: "order {% $states.input.id %}", End: true })),
    /not the whole string/,
  ],
  ["an unassigned variable", () => one(pass({ Output: "{% $total %}", End: true })), /\$total, which is not assigned/],
  [
    "a variable that one of two paths assigns",
    () =>
      stateMachine({
        StartAt: "A",
        States: {
          A: choice({ Choices: [{ Condition: yes, Next: "B" }], Default: "C" }),
          B: pass({ Assign: { total: 1 }, Next: "C" }),
          C: pass({ Output: "{% $total %}", End: true }),
        },
      }),
    /C has \$total/,
  ],
  [
    "a variable that another rule's condition tests",
    () =>
      stateMachine({
        StartAt: "A",
        States: {
          A: choice({
            Choices: [
              { Condition: "{% $exists($n) %}", Next: "B" },
              { Condition: yes, Assign: { m: "{% $n %}" }, Next: "B" },
            ],
            Default: "B",
          }),
          B: pass({ End: true }),
        },
      }),
    /A has \$n/,
  ],
  [
    "a variable that a failed task does not assign",
    () =>
      stateMachine({
        StartAt: "A",
        States: {
          A: task({ ...publish, Assign: { total: 1 }, Next: "B", Catch: [{ ErrorEquals: ALL, Next: "B" }] }),
          B: pass({ Output: "{% $total %}", End: true }),
        },
      }),
    /B has \$total/,
  ],
  [
    "a nested machine's variable that the outer one does not assign",
    () =>
      one(
        map({
          ItemProcessor: nestedMachine({
            StartAt: "In",
            States: { In: pass({ Output: "{% $total %}", End: true }) },
          }),
          End: true,
        }),
      ),
    /In has \$total/,
  ],
  ["a function that does not exist", () => one(pass({ Output: "{% $eval('1') %}", End: true })), /calls \$eval/],
  [
    "the result where there is none yet",
    () => one(lambdaInvoke({ Arguments: { ...invoke, Payload: "{% $states.result %}" }, End: true })),
    /\$states.result where there is none/,
  ],
  [
    "the error outside a Catch",
    () => one(pass({ Output: "{% $states.errorOutput %}", End: true })),
    /\$states.errorOutput where there is none/,
  ],
  [
    "a property of $states that does not exist",
    () => one(pass({ Output: "{% $states.inputs.id %}", End: true })),
    /\$states.inputs/,
  ],
  [
    "the input without $states",
    () => one(pass({ Output: "{% input.id %}", End: true })),
    /input without \$states.input/,
  ],
  ["a path of JSONPath", () => one(pass({ Output: "$.id", End: true })), /\$.id, a path of JSONPath/],
  [
    "a wait for a token that is not sent",
    () => one(lambdaInvokeForToken({ Arguments: invoke, TimeoutSeconds: 60, End: true })),
    /token that it does not send/,
  ],
  [
    "a wait for a token without an end",
    () =>
      one(lambdaInvokeForToken({ Arguments: { ...invoke, Payload: "{% $states.context.Task.Token %}" }, End: true })),
    /without TimeoutSeconds/,
  ],
  [
    "a DynamoDB placeholder without a value",
    () =>
      one(
        dynamoUpdate({
          Arguments: {
            TableName: "t",
            Key,
            UpdateExpression: "SET #a = :b",
            ExpressionAttributeNames: { "#a": "a" },
          },
          End: true,
        }),
      ),
    /uses :b, which has no value/,
  ],
  [
    "a DynamoDB value that no expression uses",
    () =>
      one(
        dynamoPut({
          Arguments: {
            TableName: "t",
            Item: Key,
            ConditionExpression: "attribute_not_exists(id)",
            ExpressionAttributeValues: { ":b": { S: "b" } },
          },
          End: true,
        }),
      ),
    /value for :b, which no expression uses/,
  ],
  [
    "a token of a task that does not wait for it",
    () => one(lambdaInvoke({ Arguments: { ...invoke, Payload: "{% $states.context.Task.Token %}" }, End: true })),
    /sends a task token that it does not wait for/,
  ],
  [
    "a variable with a reserved name",
    () => one(pass({ Assign: { states: 1 }, End: true })),
    /\$states, which is reserved/,
  ],
  ["a variable whose name is no identifier", () => one(pass({ Assign: { "a-b": 1 }, End: true })), /assigns \$a-b/],
  [
    "a variable with a name that is too long",
    () => one(pass({ Assign: { ["a".repeat(81)]: 1 }, End: true })),
    /at most 80 characters/,
  ],
  [
    "a role that is not an ARN",
    () => one(lambdaInvoke({ Arguments: invoke, Credentials: { RoleArn: "other" }, End: true })),
    /Credentials for other/,
  ],
  [
    "a distributed map's label that is too long",
    () => one(distributedMap({ ...each, Label: "a".repeat(41) })),
    /a Label that is not 1 to 40 characters/,
  ],
  ["batches without a limit", () => one(distributedMap({ ...each, ItemBatcher: {} })), /an ItemBatcher without/],
  [
    "batches of nothing",
    () => one(distributedMap({ ...each, ItemBatcher: { MaxItemsPerBatch: 0 } })),
    /MaxItemsPerBatch 0/,
  ],
  [
    "batches that are longer than an input",
    () => one(distributedMap({ ...each, ItemBatcher: { MaxInputBytesPerBatch: 300_000 } })),
    /MaxInputBytesPerBatch 300000/,
  ],
  [
    "a loop without an end",
    () => stateMachine({ StartAt: "A", States: { A: wait({ Seconds: 1, Next: "B" }), B: pass({ Next: "A" }) } }),
    /A never reaches an end/,
  ],
  [
    "a Parallel whose branches have a state's name twice",
    () => one(parallel({ Branches: [inner, inner], End: true })),
    /also the name of a state/,
  ],
  [
    "a call that no service has",
    () => one(task({ Resource: "arn:aws:states:::sns:publsh", End: true })),
    /sns:publsh, which Step Functions does not integrate/,
  ],
  [
    "a service that is not integrated",
    () => one(task({ Resource: "arn:aws:states:::s3:getObject", End: true })),
    /aws-sdk:s3:getObject may exist/,
  ],
  [
    "a wait for the end of a function",
    () => one(task({ Resource: "arn:aws:states:::lambda:invoke.sync", End: true })),
    /waits with .sync for lambda:invoke/,
  ],
  [
    "a wait for the end of a call of the SDK",
    () => one(task({ Resource: "arn:aws:states:::aws-sdk:glue:startCrawler.sync", End: true })),
    /waits with .sync for aws-sdk:glue:startCrawler/,
  ],
  [
    "an EXPRESS execution that waits for another one",
    () => {
      const In = startExecutionSync({ Arguments: { StateMachineArn: other }, End: true });
      const ItemProcessor = stateMachine({ StartAt: "In", States: { In } });
      return one(distributedMap({ ExecutionType: "EXPRESS", ItemProcessor, End: true }));
    },
    /EXPRESS executions, in which In cannot wait/,
  ],
  [
    "a variable of a nested machine that is also assigned around it",
    () =>
      stateMachine({
        StartAt: "A",
        States: { A: map({ ItemProcessor: assigning, Next: "B" }), B: pass({ Assign: { total: 1 }, End: true }) },
      }),
    /\$total is assigned in a nested machine and around it/,
  ],
  [
    "a distributed map whose executions read a variable around it",
    () => {
      const ItemProcessor = nestedMachine({
        StartAt: "In",
        States: { In: pass({ Output: "{% $price %}", End: true }) },
      });
      const B = distributedMap({ ExecutionType: "STANDARD", ItemProcessor, End: true });
      return stateMachine({ StartAt: "A", States: { A: pass({ Assign: { price: 1 }, Next: "B" }), B } });
    },
    /In has \$price/,
  ],
  [
    "a nested machine with a timeout",
    () => {
      const nested = stateMachine({ TimeoutSeconds: 60, StartAt: "In", States: { In: pass({ End: true }) } });
      return one(parallel({ Branches: [nested], End: true }));
    },
    /a nested machine with TimeoutSeconds/,
  ],
  [
    "an error that is retried twice",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ["Mine"] }, { ErrorEquals: ["Other", "Mine"] }] })),
    /has Mine twice in Retry/,
  ],
  [
    "a context that does not exist",
    () => one(pass({ Output: "{% $states.context.Exection.Id %}", End: true })),
    /\$states.context.Exection.Id, which does not exist/,
  ],
  [
    "a field of the context that does not exist",
    () => one(pass({ Output: "{% $states.context.Execution.Nmae %}", End: true })),
    /\$states.context.Execution.Nmae, which does not exist/,
  ],
  [
    "a token where no task is",
    () => one(pass({ Output: "{% $states.context.Task.Token %}", End: true })),
    /has a task token: only tasks have one/,
  ],
  [
    "no DynamoDB values",
    () => one(dynamoPut({ Arguments: { TableName: "t", Item: Key, ExpressionAttributeValues: {} }, End: true })),
    /empty ExpressionAttributeValues/,
  ],
  [
    "a DynamoDB value without an expression",
    () => {
      const ExpressionAttributeValues = { ":b": { S: "b" } };
      return one(dynamoPut({ Arguments: { TableName: "t", Item: Key, ExpressionAttributeValues }, End: true }));
    },
    /value for :b, which no expression uses/,
  ],
  [
    "items beside an ItemReader",
    () => {
      const ItemReader = { Resource: "arn:aws:states:::s3:listObjectsV2", Arguments: { Bucket: "b" } } as const;
      return one(distributedMap({ ...each, ItemReader, Items: [1] }));
    },
    /items of its own beside an ItemReader/,
  ],
  [
    "an ItemReader of an object without a format",
    () => {
      const ItemReader = { Resource: "arn:aws:states:::s3:getObject", Arguments: { Bucket: "b", Key: "k" } } as const;
      return one(distributedMap({ ...each, ItemReader }));
    },
    /without InputType/,
  ],
  [
    "an ItemReader that is given no headers",
    () => {
      const ReaderConfig = { InputType: "CSV", CSVHeaderLocation: "GIVEN" } as const;
      const ItemReader = { Resource: "arn:aws:states:::s3:getObject", ReaderConfig } as const;
      return one(distributedMap({ ...each, ItemReader }));
    },
    /without the CSVHeaders/,
  ],
  ...["status = :b", "#a = :b, nested.Count = :b", "a = if_not_exists(ttl, :b)"].map(
    (update): (typeof WRONG)[number] => [
      `a word that DynamoDB reserves: SET ${update}`,
      () => one(updating(`SET ${update}`, { S: "b" }, update.includes("#"))),
      /has (status|Count|ttl) in an expression, which DynamoDB reserves: write #/,
    ],
  ),
  ...["", "one", "1,000", "0x1", "1 ", "NaN"].map((N): (typeof WRONG)[number] => [
    `"${N}" as a number of DynamoDB`,
    () => one(dynamoPut({ Arguments: { TableName: "t", Item: { ...Key, total: { N } } }, End: true })),
    /as a number of DynamoDB/,
  ]),
  [
    "a text as a number of DynamoDB within a list",
    () =>
      one(
        dynamoPut({
          Arguments: { TableName: "t", Item: { ...Key, all: { L: [{ M: { a: { N: "a" } } }] } } },
          End: true,
        }),
      ),
    /"a" as a number of DynamoDB/,
  ],
  ...[
    "$round('a')",
    "$substring('abc')",
    "$substring('abc', 1, 2, 3)",
    "$uuid(1)",
    "$map(function($v) { $v })",
    "$join(1)",
    "$sum('a')",
    "$contains('a', 1)",
    "'abc' ~> $substring(1, 2, 3)",
    "$states.input.all.$split(1)",
    "$merge(1)",
    "$range(1, 2)",
  ].map((call): (typeof WRONG)[number] => [
    `arguments that a function does not take: ${call}`,
    () => one(pass({ Output: `{% ${call} %}`, End: true })),
    /calls \$\w+ with arguments that it does not take/,
  ]),
  [
    "the item of a Map outside of one",
    () => one(pass({ Output: "{% $states.context.Map.Item.Value %}", End: true })),
    /\$states.context.Map outside of a Map/,
  ],
  [
    "the item of a Map in its items",
    () => one(map({ Items: "{% $states.context.Map.Item.Value %}", ItemProcessor: inner, End: true })),
    /\$states.context.Map outside of a Map/,
  ],
  [
    "the item of a Map in a branch",
    () => {
      const In = pass({ Output: "{% $states.context.Map.Item.Index %}", End: true });
      return one(parallel({ Branches: [nestedMachine({ StartAt: "In", States: { In } })], End: true }));
    },
    /In has \$states.context.Map outside of a Map/,
  ],
  [
    "an EXPRESS execution that waits for longer than it may last",
    () => {
      const ItemProcessor = stateMachine({ StartAt: "In", States: { In: wait({ Seconds: 301, End: true }) } });
      return one(distributedMap({ ExecutionType: "EXPRESS", ItemProcessor, End: true }));
    },
    /EXPRESS executions, in which In cannot wait/,
  ],
  [
    "an EXPRESS execution with a distributed map",
    () => {
      const ItemProcessor = stateMachine({ StartAt: "Out", States: { Out: distributedMap({ ...each }) } });
      return one(distributedMap({ ExecutionType: "EXPRESS", ItemProcessor, End: true }));
    },
    /EXPRESS executions, in which Out cannot be a distributed map/,
  ],
  [
    "a retry of what nothing handles",
    () => one(task({ ...work, Retry: [{ ErrorEquals: ["States.Runtime"] }] })),
    /States.Runtime in Retry: nothing handles it/,
  ],
  [
    "a catch of what nothing handles",
    () =>
      stateMachine({
        StartAt: "A",
        States: { A: task({ ...work, Catch: [{ ErrorEquals: ["States.Runtime"], Next: "B" }] }), B: fail({}) },
      }),
    /States.Runtime in Catch: nothing handles it/,
  ],
];

const RIGHT: readonly (readonly [right: string, build: () => unknown])[] = [
  [
    "a variable that is assigned in the loop that counts by it",
    () => {
      const counting = "{% $exists($n) and $n < 3 %}";
      return stateMachine({
        StartAt: "A",
        States: {
          A: choice({
            Choices: [{ Condition: counting, Assign: { n: "{% $n + 1 %}" }, Output: "{% $n %}", Next: "B" }],
            Assign: { n: 0 },
            Default: "C",
          }),
          B: wait({ Seconds: 1, Next: "A" }),
          C: pass({ Next: "D" }),
          D: choice({ Choices: [{ Condition: "{% $n = 0 %}", Next: "A" }], Default: "E" }),
          E: pass({ End: true }),
        },
      });
    },
  ],
  ...[
    "$substring('abc', 1)",
    "'abc' ~> $substring(1)",
    "$states.input.name.$substring(1)",
    "$sum($states.input.all.price)",
    "$sum([1, 2])",
    "$round(-1.5, 1)",
    "$map($states.input.all, function($v, $i) { $v + $i })",
    "$states.input.all ~> $map($uppercase) ~> $join(', ')",
    "$replace($states.input.name, /a/, 'b')",
    "$zip([1], [2], [3])",
    "$partition([1, 2, 3], 2)",
    "$range(0, 10, 2)",
    "$now()",
    "$exists($states.input.a) ? $string($states.input.a) : null",
    "$append(1, 2)",
    "$merge([$states.input, {'a': 1}])",
    "$each($states.input, function($v, $k) { $k })",
    "$pad('a', -3, '#')",
    "$uuid()",
  ].map((call): (typeof RIGHT)[number] => [call, () => one(pass({ Output: `{% ${call} %}`, End: true }))]),
  [
    "the item of a Map in its selector, in its states and in their branches",
    () => {
      const item = "{% $states.context.Map.Item.Value %}";
      const In = pass({ Output: item, End: true });
      const branch = nestedMachine({ StartAt: "In", States: { In } });
      const ItemProcessor = nestedMachine({
        StartAt: "Out",
        States: { Out: parallel({ Branches: [branch], End: true }) },
      });
      return one(map({ ItemSelector: { item }, ItemProcessor, End: true }));
    },
  ],
  [
    "names of functions in DynamoDB's expressions",
    () => one(updating("SET a = list_append(a, :b) ", { L: [] }, false)),
  ],
  ["a reserved word behind its placeholder", () => one(updating("SET #a = :b", { N: "-1.5e3" }, true))],
  ["an expression and a token as numbers of DynamoDB", () => one(updating("SET a = :b", { N: "${var.n}" }, false))],
  [
    "an EXPRESS execution that waits for five minutes",
    () => {
      const ItemProcessor = stateMachine({ StartAt: "In", States: { In: wait({ Seconds: 300, End: true }) } });
      return one(distributedMap({ ExecutionType: "EXPRESS", ItemProcessor, End: true }));
    },
  ],
];

describe("a wrong machine", () => {
  it.each(WRONG)("is refused: %s", (_, build, message) => {
    expect(build).toThrow(MachineError);
    expect(build).toThrow(message);
  });

  it.each([
    [
      "a field of the input that nobody sends, because inputs have no schema",
      () => one(pass({ Output: "{% $states.input.missing %}", End: true })),
    ],
    [
      "a function of another account, because its policy is not ours to read",
      () =>
        one(
          lambdaInvoke({
            Arguments: { FunctionName: "arn:aws:lambda:eu-central-1:000000000000:function:other" },
            End: true,
          }),
        ),
    ],
    [
      "an error that the work does not throw, because any name is possible",
      () => one(task({ ...work, Retry: [{ ErrorEquals: ["PaymentRefusd"] }] })),
    ],
  ])("passes when only AWS or the caller knows: %s", (_, build) => {
    expect(build).not.toThrow();
  });
});

describe("a right machine", () => {
  it.each(RIGHT)("is accepted: %s", (_, build) => {
    expect(build).not.toThrow();
  });

  it.each([
    "{% $exists($total) ? 1 : 0 %}",
    "{% $exists($total) ? $total + 1 : 0 %}",
    "{% $exists($total) and $total > 1 ? 'many' : 'few' %}",
    "{% ($sum := function($a, $b) { $a + $b }; $sum(1, 2)) %}",
    "{% $map($states.input.items, function($item, $index) { $item.price * $index }) %}",
    "{% $states.input.items[price > 10].(name & '!') %}",
    "{% $states.input.items{name: price} %}",
    "{% $states.input.name ~> $uppercase %}",
    "{% $states.input.items@$item#$i.{'name': $item.name, 'at': $i} %}",
    "{% $states.input ~> |items|{'price': price * 2}| %}",
    "{% $partition([1..4], 2) %}",
    "{% $contains($states.input.name, /^a.*/i) %}",
    "{% $states.context.Execution.Input.taskId & $states.context.State.Name %}",
    "{% $states.context %}",
    "{% $now() & $uuid() & $states.context.Execution.Name %}",
  ])("has the expression %s", (Output) => {
    expect(() => one(pass({ Output, End: true }))).not.toThrow();
  });

  it("has numbers that Terraform does not know yet", () => {
    const token = -1.8881545897087626e289;
    expect(() => one(wait({ Seconds: token, End: true }))).not.toThrow();
    expect(() => one(task({ ...work, TimeoutSeconds: token, HeartbeatSeconds: 30 }))).not.toThrow();
    expect(() => one(pass({ Output: "{% $states.input.n + ${TfToken[TOKEN.12]} %}", End: true }))).not.toThrow();
  });

  it("has a distributed map, a task with another role, and one that waits for an execution's end", () => {
    const Charge = lambdaInvoke({ Arguments: invoke, End: true });
    const machine = stateMachine({
      StartAt: "Each",
      States: {
        Each: distributedMap({
          ExecutionType: "EXPRESS",
          Label: "orders",
          ItemReader: {
            Resource: "arn:aws:states:::s3:getObject",
            ReaderConfig: { InputType: "CSV", CSVHeaderLocation: "FIRST_ROW" },
            Arguments: { Bucket: "orders", Key: "{% $states.input.key %}" },
          },
          ItemBatcher: { MaxItemsPerBatch: 100 },
          ResultWriter: {
            Resource: "arn:aws:states:::s3:putObject",
            Arguments: { Bucket: "results", Prefix: "orders" },
          },
          ToleratedFailurePercentage: 5,
          MaxConcurrency: 1_000,
          ItemProcessor: nestedMachine({ StartAt: "Charge", States: { Charge } }),
          Next: "Other",
        }),
        Other: lambdaInvoke({
          Arguments: "{% $states.input.request %}",
          Credentials: { RoleArn: "arn:aws:iam::000000000000:role/other" },
          Next: "Then",
        }),
        Then: startExecutionSync({
          Arguments: { StateMachineArn: other },
          End: true,
        }),
      },
    });
    expect(machine.States["Each"]?.ItemProcessor).toMatchObject({
      ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "EXPRESS" },
    });
    expect(machine.States["Then"]?.Resource).toBe("arn:aws:states:::states:startExecution.sync:2");
  });

  it("has a JSONata state in a JSONPath machine", () => {
    const { inJsonata, succeed } = jsonpath;
    const build = (Output: string) =>
      jsonpath.stateMachine({ StartAt: "A", States: { A: inJsonata(pass({ Output, Next: "B" })), B: succeed() } });
    expect(build("{% $states.input.id %}").States["A"]).toMatchObject({ QueryLanguage: "JSONata" });
    expect(() => build("{% $total %}")).toThrow("A has $total");
  });
});
