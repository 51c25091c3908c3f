/**
 * Machines of somebody who has not read the other tests, in both query languages: wrong ones are refused, unusual ones accepted. Their fields are
 * not typed: the compiler refuses some of these machines by itself, and here only what runs at synth may.
 */
import { MachineError } from "../../../modules/asl/machine";
import { untypedJsonata as J, untypedJsonpath as P } from "../../support/untyped-asl";

const jm = (States: object, extra: object = {}) =>
  J.stateMachine({ StartAt: Object.keys(States)[0], States, ...extra });
const pm = (States: object, extra: object = {}) =>
  P.stateMachine({ StartAt: Object.keys(States)[0], States, ...extra });
const L = "arn:aws:states:::lambda:invoke";
const HTTP = "arn:aws:states:::http:invoke";
const FUNCTION = "arn:aws:lambda:eu-central-1:000000000000:function:f";
const get = (Method: string) => ({
  ApiEndpoint: "https://a.example",
  Method,
  Authentication: { ConnectionArn: "arn:aws:events:eu-central-1:000000000000:connection/c/1" },
});
const inner = () => jm({ In: J.pass({ End: true }) });
const pinner = () => pm({ In: P.pass({ End: true }) });
const ROLE = "arn:aws:iam::000000000000:role/other";
const distributed = (fields: object) => () =>
  jm({ A: J.distributedMap({ ExecutionType: "STANDARD", ItemProcessor: inner(), End: true, ...fields }) });
const S3 = "arn:aws:states:::s3:getObject";
const place = { Bucket: "b", Key: "k" };
const reading = (ReaderConfig: object, Resource = S3) =>
  distributed({ ItemReader: { Resource, ReaderConfig, Arguments: place } });
const calling =
  (Resource: string, Arguments: unknown, fields: object = {}) =>
  () =>
    jm({ A: J.task({ Resource, Arguments, ...fields, End: true }) });
const output = (Output: unknown) => () => jm({ A: J.pass({ Output, End: true }) });
const choosing = (fields: object) => () => jm({ A: J.choice({ Default: "B", ...fields }), B: J.succeed() });
const F = { FunctionName: "f" };
const event = { Detail: "{}", DetailType: "a", Source: "b" };
const GET_ITEM = "arn:aws:states:::dynamodb:getItem";
const SQS = "arn:aws:states:::sqs:sendMessage";
const START = "arn:aws:states:::states:startExecution";
const MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:m";
const PUT_EVENTS = "arn:aws:states:::events:putEvents";
const WRONG: readonly (readonly [wrong: string, build: () => unknown])[] = [
  // JSONPath
  ["pass: InputPath not a path", () => pm({ A: P.pass({ InputPath: "id", End: true }) })],
  ["pass: unterminated path", () => pm({ A: P.pass({ InputPath: "$.a[", End: true }) })],
  ["pass: Parameters .$ with plain text", () => pm({ A: P.pass({ Parameters: { "a.$": "hello" }, End: true }) })],
  [
    "pass: intrinsic does not exist",
    () => pm({ A: P.pass({ Parameters: { "a.$": "States.Formt('a')" }, End: true }) }),
  ],
  ["pass: intrinsic unclosed", () => pm({ A: P.pass({ Parameters: { "a.$": "States.Format('a'" }, End: true }) })],
  [
    "pass: intrinsic wrong arg count",
    () => pm({ A: P.pass({ Parameters: { "a.$": "States.ArrayGetItem($.a)" }, End: true }) }),
  ],
  [
    "pass: Format with too few arguments",
    () => pm({ A: P.pass({ Parameters: { "a.$": "States.Format('{} {}', $.a)" }, End: true }) }),
  ],
  ["pass: ResultPath into context", () => pm({ A: P.pass({ ResultPath: "$$.a", End: true }) })],
  ["pass: ResultPath with wildcard", () => pm({ A: P.pass({ ResultPath: "$.a[*]", End: true }) })],
  ["pass: JSONata field in JSONPath", () => pm({ A: P.pass({ Output: "{% 1 %}", End: true }) })],
  [
    "task: unassigned variable in JSONPath",
    () => pm({ A: P.task({ Resource: L, Parameters: { "FunctionName.$": "$fn" }, End: true }) }),
  ],
  [
    "task: expression of JSONata in JSONPath Parameters",
    () => pm({ A: P.task({ Resource: L, Parameters: { FunctionName: "{% $states.input.fn %}" }, End: true }) }),
  ],
  [
    "task: path in a plain key",
    () => pm({ A: P.task({ Resource: L, Parameters: { FunctionName: "$.fn" }, End: true }) }),
  ],
  [
    "task: TimeoutSeconds and TimeoutSecondsPath",
    () =>
      pm({
        A: P.task({
          Resource: L,
          Parameters: { FunctionName: "f" },
          TimeoutSeconds: 3,
          TimeoutSecondsPath: "$.t",
          End: true,
        }),
      }),
  ],
  [
    "task: key and key.$",
    () => pm({ A: P.task({ Resource: L, Parameters: { FunctionName: "f", "FunctionName.$": "$.f" }, End: true }) }),
  ],
  [
    "choice: Variable is not a path",
    () =>
      pm({ A: P.choice({ Choices: [{ Variable: "n", NumericEquals: 1, Next: "B" }], Default: "B" }), B: P.succeed() }),
  ],
  [
    "choice: timestamp literal wrong",
    () =>
      pm({
        A: P.choice({ Choices: [{ Variable: "$.t", TimestampEquals: "yesterday", Next: "B" }], Default: "B" }),
        B: P.succeed(),
      }),
  ],
  ["choice: And empty", () => pm({ A: P.choice({ Choices: [{ And: [], Next: "B" }], Default: "B" }), B: P.succeed() })],
  [
    "choice: Next within And",
    () =>
      pm({
        A: P.choice({ Choices: [{ And: [{ Variable: "$.t", IsNull: true, Next: "B" }], Next: "B" }], Default: "B" }),
        B: P.succeed(),
      }),
  ],
  [
    "choice: two comparisons",
    () =>
      pm({
        A: P.choice({ Choices: [{ Variable: "$.t", IsNull: true, IsString: true, Next: "B" }], Default: "B" }),
        B: P.succeed(),
      }),
  ],
  [
    "choice: JSONata condition in JSONPath",
    () => pm({ A: P.choice({ Choices: [{ Condition: "{% true %}", Next: "B" }], Default: "B" }), B: P.succeed() }),
  ],
  ["wait: two durations", () => pm({ A: P.wait({ Seconds: 1, SecondsPath: "$.s", End: true }) })],
  ["wait: SecondsPath not a path", () => pm({ A: P.wait({ SecondsPath: "s", End: true }) })],
  ["fail: Error and ErrorPath", () => pm({ A: P.fail({ Error: "a", ErrorPath: "$.e" }) })],
  ["map: ItemsPath not a path", () => pm({ A: P.map({ ItemsPath: "items", ItemProcessor: pinner(), End: true }) })],
  [
    "catch: ResultPath not a path",
    () =>
      pm({
        A: P.task({
          Resource: L,
          Parameters: { FunctionName: "f" },
          Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "error", Next: "B" }],
          Next: "B",
        }),
        B: P.succeed(),
      }),
  ],
  // JSONata
  [
    "choice: condition of text",
    () => jm({ A: J.choice({ Choices: [{ Condition: "{% 'yes' %}", Next: "B" }], Default: "B" }), B: J.succeed() }),
  ],
  [
    "choice: condition of a number",
    () => jm({ A: J.choice({ Choices: [{ Condition: "{% 1 + 1 %}", Next: "B" }], Default: "B" }), B: J.succeed() }),
  ],
  [
    "choice: JSONPath condition in JSONata",
    () =>
      jm({
        A: J.choice({ Choices: [{ Variable: "$.n", NumericEquals: 1, Next: "B" }], Default: "B" }),
        B: J.succeed(),
      }),
  ],
  ["wait: seconds of text", () => jm({ A: J.wait({ Seconds: "10", End: true }) })],
  ["wait: seconds expression of text", () => jm({ A: J.wait({ Seconds: "{% 'ten' %}", End: true }) })],
  ["wait: negative seconds expression", () => jm({ A: J.wait({ Seconds: "{% -5 %}", End: true }) })],
  ["wait: timestamp 30 February", () => jm({ A: J.wait({ Timestamp: "2026-02-30T00:00:00Z", End: true }) })],
  ["wait: timestamp expression of number", () => jm({ A: J.wait({ Timestamp: "{% $millis() %}", End: true }) })],
  ["map: items of text", () => jm({ A: J.map({ Items: "{% 'abc' %}", ItemProcessor: inner(), End: true }) })],
  ["map: items a literal text", () => jm({ A: J.map({ Items: "abc", ItemProcessor: inner(), End: true }) })],
  [
    "map: concurrency and tolerated in inline",
    () => jm({ A: J.map({ ToleratedFailureCount: 1, ItemProcessor: inner(), End: true }) }),
  ],
  [
    "map: count and percentage beyond",
    () =>
      jm({
        A: J.distributedMap({
          ExecutionType: "STANDARD",
          ToleratedFailurePercentage: "{% 101 %}",
          ItemProcessor: inner(),
          End: true,
        }),
      }),
  ],
  [
    "distributed: unknown execution type",
    () => jm({ A: J.distributedMap({ ExecutionType: "FAST", ItemProcessor: inner(), End: true }) }),
  ],
  [
    "distributed: ResultWriter without bucket",
    () =>
      jm({
        A: J.distributedMap({
          ExecutionType: "STANDARD",
          ResultWriter: { Resource: "arn:aws:states:::s3:putObject", Arguments: { Prefix: "a" } },
          ItemProcessor: inner(),
          End: true,
        }),
      }),
  ],
  [
    "distributed: reader getObject without key",
    () =>
      jm({
        A: J.distributedMap({
          ExecutionType: "STANDARD",
          ItemReader: {
            Resource: "arn:aws:states:::s3:getObject",
            ReaderConfig: { InputType: "JSON" },
            Arguments: { Bucket: "b" },
          },
          ItemProcessor: inner(),
          End: true,
        }),
      }),
  ],
  [
    "distributed: headers with JSON",
    () =>
      jm({
        A: J.distributedMap({
          ExecutionType: "STANDARD",
          ItemReader: {
            Resource: "arn:aws:states:::s3:getObject",
            ReaderConfig: { InputType: "JSON", CSVHeaderLocation: "FIRST_ROW" },
            Arguments: { Bucket: "b", Key: "k" },
          },
          ItemProcessor: inner(),
          End: true,
        }),
      }),
  ],
  [
    "task: lambda without a function name",
    () => jm({ A: J.task({ Resource: L, Arguments: { Payload: {} }, End: true }) }),
  ],
  [
    "task: sqs without queue",
    () =>
      jm({ A: J.task({ Resource: "arn:aws:states:::sqs:sendMessage", Arguments: { MessageBody: "x" }, End: true }) }),
  ],
  [
    "task: sqs delay of 901",
    () => jm({ A: J.sqsSend({ Arguments: { QueueUrl: "u", MessageBody: "x", DelaySeconds: 901 }, End: true }) }),
  ],
  [
    "task: lambda with unknown field",
    () => jm({ A: J.task({ Resource: L, Arguments: { FunctionName: "f", Paylod: {} }, End: true }) }),
  ],
  [
    "task: camelCase sdk params",
    () =>
      jm({
        A: J.task({
          Resource: "arn:aws:states:::aws-sdk:s3:getObject",
          Arguments: { bucket: "b", key: "k" },
          End: true,
        }),
      }),
  ],
  [
    "task: sdk service PascalCase action",
    () =>
      jm({ A: J.task({ Resource: "arn:aws:states:::aws-sdk:s3:GetObject", Arguments: { Bucket: "b" }, End: true }) }),
  ],
  ["task: resource no arn", () => jm({ A: J.task({ Resource: "lambda", End: true }) })],
  [
    "task: retry of more than a day between with rate 0.5",
    () =>
      jm({
        A: J.task({
          Resource: L,
          Arguments: { FunctionName: "f" },
          Retry: [{ ErrorEquals: ["A"], BackoffRate: 0.5 }],
          End: true,
        }),
      }),
  ],
  [
    "task: retry jitter unknown",
    () =>
      jm({
        A: J.task({
          Resource: L,
          Arguments: { FunctionName: "f" },
          Retry: [{ ErrorEquals: ["A"], JitterStrategy: "HALF" }],
          End: true,
        }),
      }),
  ],
  [
    "task: catch to itself without end",
    () =>
      jm({
        A: J.task({
          Resource: L,
          Arguments: { FunctionName: "f" },
          Catch: [{ ErrorEquals: ["States.ALL"], Next: "A" }],
          Next: "A",
        }),
      }),
  ],
  [
    "task: result in Arguments",
    () => jm({ A: J.task({ Resource: L, Arguments: { FunctionName: "{% $states.result.fn %}" }, End: true }) }),
  ],
  [
    "task: errorOutput in Output",
    () =>
      jm({
        A: J.task({ Resource: L, Arguments: { FunctionName: "f" }, Output: "{% $states.errorOutput %}", End: true }),
      }),
  ],
  [
    "task: result in Catch",
    () =>
      jm({
        A: J.task({
          Resource: L,
          Arguments: { FunctionName: "f" },
          Catch: [{ ErrorEquals: ["States.ALL"], Output: "{% $states.result %}", Next: "B" }],
          Next: "B",
        }),
        B: J.succeed(),
      }),
  ],
  [
    "task: ResultPath in JSONata",
    () => jm({ A: J.task({ Resource: L, Arguments: { FunctionName: "f" }, ResultPath: "$.a", End: true }) }),
  ],
  ["parallel: no branches", () => jm({ A: J.parallel({ Branches: [], End: true }) })],
  [
    "parallel: variable of one branch in another",
    () =>
      jm({
        A: J.parallel({
          Branches: [
            jm({ X: J.pass({ Assign: { v: 1 }, End: true }) }),
            J.nestedMachine({ StartAt: "Y", States: { Y: J.pass({ Output: "{% $v %}", End: true }) } }),
          ],
          End: true,
        }),
      }),
  ],
  ["fail: error expression is a number", () => jm({ A: J.fail({ Error: "{% 5 %}" }) })],
  ["succeed: with Next", () => jm({ A: J.succeed({ Next: "B" }), B: J.succeed() })],
  ["pass: Next and End", () => jm({ A: J.pass({ Next: "B", End: true }), B: J.succeed() })],
  ["pass: neither Next nor End", () => jm({ A: J.pass({}) })],
  ["pass: End false", () => jm({ A: J.pass({ End: false }) })],
  ["pass: Assign not an object", () => jm({ A: J.pass({ Assign: "{% {'a': 1} %}", End: true }) })],
  ["pass: two expressions in a string", () => jm({ A: J.pass({ Output: "{% 1 %}{% 2 %}", End: true }) })],
  ["pass: regex of JS invalid", () => jm({ A: J.pass({ Output: "{% $match('a', /(/) %}", End: true }) })],
  ["pass: .$ key in JSONata", () => jm({ A: J.pass({ Output: { "a.$": "$.a" }, End: true }) })],
  [
    "pass: variable read in the state that assigns it",
    () => jm({ A: J.pass({ Assign: { a: 1 }, Output: "{% $a %}", End: true }) }),
  ],
  ["pass: call of a value", () => jm({ A: J.pass({ Output: "{% $states.input.a(1) %}", End: true }) })],
  ["pass: string plus number", () => jm({ A: J.pass({ Output: "{% 'a' + 1 %}", End: true }) })],
  ["pass: parse with wrong input: $parse(1)", () => jm({ A: J.pass({ Output: "{% $parse(1) %}", End: true }) })],
  ["pass: negative string", () => jm({ A: J.pass({ Output: "{% -'a' %}", End: true }) })],
  [
    "pass: hash with an algorithm that does not exist",
    () => jm({ A: J.pass({ Output: "{% $hash('a', 'CRC32') %}", End: true }) }),
  ],
  ["machine: StartAt missing", () => J.stateMachine({ StartAt: "Z", States: { A: J.pass({ End: true }) } })],
  ["machine: name of 81", () => jm({ ["a".repeat(81)]: J.pass({ End: true }) })],
  ["machine: timeout 0", () => jm({ A: J.pass({ End: true }) }, { TimeoutSeconds: 0 })],
  [
    "credentials: empty",
    () => jm({ A: J.task({ Resource: L, Arguments: { FunctionName: "f" }, Credentials: {}, End: true }) }),
  ],
  [
    "heartbeat equal timeout by expression of literals",
    () => jm({ A: J.task({ Resource: L, Arguments: { FunctionName: "f" }, TimeoutSeconds: "{% 0 %}", End: true }) }),
  ],
  [
    "dynamo: reserved in ProjectionExpression",
    () =>
      jm({
        A: J.dynamoGet({
          Arguments: { TableName: "t", Key: { id: { S: "a" } }, ProjectionExpression: "status" },
          End: true,
        }),
      }),
  ],
  ["dynamo: empty key", () => jm({ A: J.dynamoGet({ Arguments: { TableName: "t", Key: {} }, End: true }) })],
  [
    "dynamo: two types",
    () => jm({ A: J.dynamoPut({ Arguments: { TableName: "t", Item: { id: { S: "a", N: "1" } } }, End: true }) }),
  ],
  [
    "dynamo: unknown type",
    () => jm({ A: J.dynamoPut({ Arguments: { TableName: "t", Item: { id: { T: "a" } } }, End: true }) }),
  ],
  [
    "dynamo: number as a number",
    () => jm({ A: J.dynamoPut({ Arguments: { TableName: "t", Item: { id: { N: 5 } } }, End: true }) }),
  ],
  ["dynamo: bare value", () => jm({ A: J.dynamoPut({ Arguments: { TableName: "t", Item: { id: "a" } }, End: true }) })],
  [
    "start: name with spaces and brackets",
    () =>
      jm({
        A: J.startExecution({
          Arguments: { StateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:x", Name: "a b<c>" },
          End: true,
        }),
      }),
  ],
  [
    "start: name 81",
    () =>
      jm({
        A: J.startExecution({
          Arguments: {
            StateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:x",
            Name: "a".repeat(81),
          },
          End: true,
        }),
      }),
  ],
  [
    "start: arn of a function",
    () =>
      jm({
        A: J.startExecution({
          Arguments: { StateMachineArn: "arn:aws:lambda:eu-central-1:000000000000:function:x" },
          End: true,
        }),
      }),
  ],
  [
    "http: without a connection",
    () =>
      jm({ A: J.task({ Resource: HTTP, Arguments: { ApiEndpoint: "https://a.example", Method: "GET" }, End: true }) }),
  ],
  [
    "http: a method that does not exist",
    () => jm({ A: J.task({ Resource: HTTP, Arguments: get("FETCH"), End: true }) }),
  ],
  [
    "ecs: no task definition",
    () => jm({ A: J.task({ Resource: "arn:aws:states:::ecs:runTask.sync", Arguments: { Cluster: "c" }, End: true }) }),
  ],
  [
    "sns: without a destination",
    () => jm({ A: J.task({ Resource: "arn:aws:states:::sns:publish", Arguments: { Message: "m" }, End: true }) }),
  ],
  ["lambda: arguments of text", () => jm({ A: J.task({ Resource: L, Arguments: "f", End: true }) })],
  ["lambda: arguments as a list", () => jm({ A: J.task({ Resource: L, Arguments: ["f"], End: true }) })],
  ["lambda: arguments null", () => jm({ A: J.task({ Resource: L, Arguments: null, End: true }) })],
  ["pass: output with half an expression", () => jm({ A: J.pass({ Output: ["{% $states.input"], End: true }) })],
  ["pass: output of text that is a path", () => jm({ A: J.pass({ Output: "$.a", End: true }) })],
  // Distributed maps
  [
    "distributed: items of a service that it does not read",
    reading({ InputType: "JSON" }, "arn:aws:states:::dynamodb:scan"),
  ],
  ["distributed: an unknown format", reading({ InputType: "XML" })],
  ["distributed: no items", reading({ InputType: "JSON", MaxItems: 0 })],
  ["distributed: more items than it reads", reading({ InputType: "JSON", MaxItems: 1e9 })],
  ["distributed: a delimiter as it is", reading({ InputType: "CSV", CSVDelimiter: ";" })],
  ["distributed: a delimiter of JSON", reading({ InputType: "JSONL", CSVDelimiter: "TAB" })],
  ["distributed: a pointer into CSV", reading({ InputType: "CSV", ItemsPointer: "/a" })],
  [
    "distributed: a reader without a place",
    distributed({ ItemReader: { Resource: S3, ReaderConfig: { InputType: "JSON" } } }),
  ],
  [
    "distributed: a reader with Parameters in JSONata",
    distributed({ ItemReader: { Resource: S3, ReaderConfig: { InputType: "JSON" }, Parameters: place } }),
  ],
  [
    "distributed: results to a queue",
    distributed({ ResultWriter: { Resource: "arn:aws:states:::sqs:sendMessage", Arguments: place } }),
  ],
  [
    "distributed: one label twice",
    () =>
      jm({
        A: J.distributedMap({ ExecutionType: "STANDARD", Label: "x", ItemProcessor: inner(), Next: "B" }),
        B: J.distributedMap({
          ...{ ExecutionType: "STANDARD", Label: "x", End: true },
          ItemProcessor: jm({ Other: J.pass({ End: true }) }),
        }),
      }),
  ],
  // Fields
  ["choice: End", choosing({ Choices: [{ Condition: "{% true %}", Next: "B" }], End: true })],
  ["pass: Result in JSONata", () => jm({ A: J.pass({ Result: 1, End: true }) })],
  ["task: a retrier with Next", calling(L, F, { Retry: [{ ErrorEquals: ["A"], Next: "A" }] })],
  ["pass: JSONPath in a JSONata machine", () => jm({ A: { ...J.pass({ End: true }), QueryLanguage: "JSONPath" } })],
  ["pass: an unknown language", () => jm({ A: { ...J.pass({ End: true }), QueryLanguage: "jq" } })],
  ["machine: another version", () => jm({ A: J.pass({ End: true }) }, { Version: "2.0" })],
  ["credentials: text", calling(L, F, { Credentials: ROLE })],
  ["credentials: of a user", calling(L, F, { Credentials: { RoleArn: "arn:aws:iam::000000000000:user/x" } })],
  ["credentials: with an external id", calling(L, F, { Credentials: { RoleArn: ROLE, ExternalId: "a" } })],
  ["task: of a bucket", calling("arn:aws:s3:::bucket", {})],
  ["task: a service of the SDK in capitals", calling("arn:aws:states:::aws-sdk:S3:getObject", place)],
  ["lambda: an unknown type of invocation", calling(L, { ...F, InvocationType: "Later" })],
  ["lambda: an empty name", calling(L, { FunctionName: "" })],
  [
    "sqs: a delay of half a second",
    calling("arn:aws:states:::sqs:sendMessage", { QueueUrl: "u", MessageBody: "b", DelaySeconds: 0.5 }),
  ],
  [
    "sqs: a negative delay as an expression",
    calling("arn:aws:states:::sqs:sendMessage", { QueueUrl: "u", MessageBody: "b", DelaySeconds: "{% -1 %}" }),
  ],
  ["sns: two destinations", calling("arn:aws:states:::sns:publish", { Message: "m", TopicArn: "t", PhoneNumber: "1" })],
  ["events: no entries", calling(PUT_EVENTS, { Entries: [] })],
  ["events: more than ten entries", calling(PUT_EVENTS, { Entries: Array.from({ length: 11 }, () => event) })],
  ["events: an entry without a source", calling(PUT_EVENTS, { Entries: [{ ...event, Source: undefined }] })],
  // Expressions
  ["task: an error twice in an ErrorEquals", calling(L, F, { Retry: [{ ErrorEquals: ["A", "A"] }] })],
  ["task: an error without a name", calling(L, F, { Retry: [{ ErrorEquals: [""] }] })],
  ...["MaxAttempts", "ResultPath"].map((name): [string, () => unknown] => [
    `task: a catcher with ${name}`,
    () =>
      jm({
        A: J.task({ Resource: L, Arguments: F, Catch: [{ ErrorEquals: ["A"], [name]: 1, Next: "B" }], End: true }),
        B: J.succeed(),
      }),
  ]),
  [
    "wait: an expression of a time that is none",
    () => jm({ A: J.wait({ Timestamp: "{% '2026-13-01' %}", End: true }) }),
  ],
  ["wait: an expression of less than nothing", () => jm({ A: J.wait({ Seconds: "{% 1 - 5 %}", End: true }) })],
  ["task: an expression of no time", calling(L, F, { TimeoutSeconds: "{% 5 - 5 %}" })],
  ["lambda: a number as its name", calling(L, { FunctionName: 5 })],
  ["lambda: an expression of a number as its name", calling(L, { FunctionName: "{% 2 + 3 %}" })],
  ["http: without TLS", calling(HTTP, { ...get("GET"), ApiEndpoint: "http://a.example" })],
  ["bedrock: an action that is not integrated", calling("arn:aws:states:::bedrock:invoke", {})],
  ["events: an entry whose detail is a number", calling(PUT_EVENTS, { Entries: [{ ...event, Detail: 5 }] })],
  ["distributed: CSV without the place of its headers", reading({ InputType: "CSV" })],
  [
    "distributed: headers beside those of the first row",
    reading({ InputType: "CSV", CSVHeaderLocation: "FIRST_ROW", CSVHeaders: ["a"] }),
  ],
  ["distributed: no headers", reading({ InputType: "CSV", CSVHeaderLocation: "GIVEN", CSVHeaders: [] })],
  ["distributed: a pointer without a slash", reading({ InputType: "JSON", ItemsPointer: "a.b" })],
  ["distributed: an unknown field of a reader", reading({ InputType: "JSON", Skip: 1 })],
  ["distributed: an unknown manifest", reading({ InputType: "MANIFEST", ManifestType: "LIST" })],
  ...[{ OutputType: "CSV" }, { Transformation: "ZIP" }, { Format: "JSON" }].map(
    (WriterConfig): [string, () => unknown] => [
      `distributed: a writer with ${JSON.stringify(WriterConfig)}`,
      distributed({
        ResultWriter: { Resource: "arn:aws:states:::s3:putObject", WriterConfig, Arguments: { Bucket: "b" } },
      }),
    ],
  ),
  ...[
    ...["States.ArrayRange(1, 5, 0)", "States.ArrayPartition($.a, 0)", "States.StringToJson('{')"],
    ...["States.Base64Decode('%%')", `${"States.ArrayLength(".repeat(11)}$.a${")".repeat(11)}`],
  ].map((intrinsic): [string, () => unknown] => [
    `pass: ${intrinsic}`,
    () => pm({ A: P.pass({ Parameters: { "a.$": intrinsic }, End: true }) }),
  ]),
  [
    "choice: a pattern with a backslash before a letter",
    () =>
      pm({
        A: P.choice({ Choices: [{ Variable: "$.a", StringMatches: "a\\b", Next: "B" }], Default: "B" }),
        B: P.succeed(),
      }),
  ],
  ["pass: a function as output", output("{% function($x) { $x } %}")],
  ["pass: a regular expression in a list", output(["{% /a/ %}"])],
  ["pass: a function as a variable", () => jm({ A: J.pass({ Assign: { f: "{% $substring(?, 1) %}" }, End: true }) })],
  ["pass: an expression as a name", output({ a: { "{% $states.input.name %}": 1 } })],
  ["pass: $states assigned", output("{% ($states := 1; $states) %}")],
  [
    "jsonpath: a hash that does not exist",
    () => pm({ A: P.pass({ Parameters: { "a.$": "States.Hash($.a, 'CRC')" }, End: true }) }),
  ],
  [
    "jsonpath: a context that does not exist",
    () => pm({ A: P.pass({ Parameters: { "a.$": "$$.Exection.Id" }, End: true }) }),
  ],
  [
    "jsonpath: Output in a catcher",
    () =>
      pm({
        A: P.task({
          ...{ Resource: L, Parameters: F, Next: "B" },
          Catch: [{ ErrorEquals: ["States.ALL"], Output: 1, Next: "B" }],
        }),
        B: P.succeed(),
      }),
  ],
  ...[
    calling(L, { FunctionName: "arn:aws:lambda:eu-centrl-1:000000000000:function:f" }),
    calling(L, { FunctionName: "{% 'arn:aws:lambda:us-est-1:000000000000:function:f' %}" }),
    calling("arn:aws:lambda:ue-west-1:000000000000:function:f", {}),
    calling(SQS, { QueueUrl: "https://sqs.eu-centrall-1.amazonaws.com/000000000000/q", MessageBody: "b" }),
    calling("arn:aws:states:::sns:publish", { TopicArn: "arn:aws:sns:eu-wset-1:000000000000:t", Message: "m" }),
    calling(START, { StateMachineArn: "arn:aws:states:eu-west:000000000000:stateMachine:m" }),
    calling("arn:aws:states:::aws-sdk:iam:getRole", { RoleName: "r", Any: ["arn:aws:states:eu-1:000000000000:x"] }),
  ].map((build): [string, () => unknown] => [`a region that does not exist: ${String(build)}`, build]),
  [
    "an account of 11 digits",
    calling(START, { StateMachineArn: "arn:aws:states:eu-west-1:00000000000:stateMachine:m" }),
  ],
  ...["hello", "{% 'hello' %}", ""].map((Input): [string, () => unknown] => [
    `start: an Input that is not JSON: ${Input}`,
    calling(START, { StateMachineArn: MACHINE, Input }),
  ]),
  ...["text", 5, null, [1]].map((ItemSelector): [string, () => unknown] => [
    `map: an ItemSelector that is no object: ${JSON.stringify(ItemSelector)}`,
    () => jm({ A: J.map({ Items: [1], ItemSelector, ItemProcessor: inner(), End: true }) }),
  ]),
  ["map: a nested machine with a language", () => jm({ A: { Type: "Map", ItemProcessor: pinner(), End: true } })],
  ["lambda: an expression of an unknown type of invocation", calling(L, { ...F, InvocationType: "{% 'Later' %}" })],
  [
    "s3: a value with other punctuation and a digit",
    calling("arn:aws:states:::aws-sdk:s3:putObject", { ...place, ServerSideEncryption: "AES-256" }),
  ],
  ...[
    calling(L, F, { Output: "{% $states.result.payload %}" }),
    calling(L, F, { Assign: { a: ["{% $string($states.result.payload.a) %}"] } }),
    calling(GET_ITEM, { TableName: "t", Key: { id: { S: "a" } } }, { Output: "{% $states.result.item.id.S %}" }),
    calling(
      "arn:aws:states:::aws-sdk:sfn:listExecutions",
      { StateMachineArn: MACHINE },
      { Output: "{% $states.result.executions %}" },
    ),
    () => pm({ A: P.task({ Resource: L, Parameters: F, ResultSelector: { "a.$": "$.payload.a" }, End: true }) }),
  ].map((build): [string, () => unknown] => [`a field of a result in small letters: ${String(build)}`, build]),
  [
    "task: a field that an error does not have",
    () =>
      jm({
        A: J.task({
          ...{ Resource: L, Arguments: F, Next: "B" },
          Catch: [{ ErrorEquals: ["States.ALL"], Output: "{% $states.errorOutput.Message %}", Next: "B" }],
        }),
        B: J.succeed(),
      }),
  ],
  ...["%%%", "abc"].map((B): [string, () => unknown] => [
    `dynamo: bytes that are not in Base64: ${B}`,
    calling("arn:aws:states:::dynamodb:putItem", { TableName: "t", Item: { id: { S: "a" }, b: { B } } }),
  ]),
  [
    "choice: one condition twice",
    choosing({ Choices: [1, 2].map((Output) => ({ Condition: "{% $states.input.a > 1 %}", Output, Next: "B" })) }),
  ],
  [
    "choice: one condition twice, in JSONPath",
    () =>
      pm({
        A: P.choice({
          Choices: ["x", "y"].map((Comment) => ({ Variable: "$.a", IsNull: true, Comment, Next: "B" })),
          Default: "B",
        }),
        B: P.succeed(),
      }),
  ],
  ["sns: a number of letters", calling("arn:aws:states:::sns:publish", { Message: "m", PhoneNumber: "call me" })],
  ["lambda: two versions", calling(L, { FunctionName: `${FUNCTION}:1`, Qualifier: "2" })],
  ...["Serverless", "on-premises"].map((LaunchType): [string, () => unknown] => [
    `ecs: a value in another style than all others: ${LaunchType}`,
    calling("arn:aws:states:::ecs:runTask", { TaskDefinition: "t", LaunchType }),
  ]),
  [
    "task: an error of Step Functions in small letters",
    () => jm({ A: J.task({ Resource: L, Arguments: F, Retry: [{ ErrorEquals: ["states.timeout"] }], End: true }) }),
  ],
];
const RIGHT: readonly (readonly [right: string, build: () => unknown])[] = [
  ...[null, 0, false, "", "text", [], [null, 1]].map((value): (typeof RIGHT)[number] => [
    `any JSON as output and as a function's arguments: ${JSON.stringify(value)}`,
    () =>
      jm({
        A: J.pass({ Output: value, Next: "B" }),
        B: J.task({ Resource: FUNCTION, Arguments: value, Output: value, Next: "C" }),
        C: J.succeed({ Output: value }),
      }),
  ]),
  ["http: a request", () => jm({ A: J.task({ Resource: HTTP, Arguments: get("PATCH"), End: true }) })],
  [
    "choice loop with wait and counter",
    () =>
      jm({
        A: J.pass({ Assign: { n: 0 }, Next: "B" }),
        B: J.wait({ Seconds: "{% $n * 2 %}", Next: "C" }),
        C: J.pass({ Assign: { n: "{% $n + 1 %}" }, Next: "D" }),
        D: J.choice({ Choices: [{ Condition: "{% $n < 5 %}", Next: "B" }], Default: "E" }),
        E: J.succeed({ Output: "{% $n %}" }),
      }),
  ],
  [
    "jsonpath intrinsics nested",
    () =>
      pm({
        A: P.pass({
          Parameters: {
            "a.$": "States.Format('{}-{}', $.a, States.ArrayLength($.b))",
            "b.$": "States.JsonMerge($.a, $.b, false)",
            "c.$": "States.UUID()",
            "d.$": "States.Array($.a, 'x, (y)', 1, null, true, $$.Execution.Name)",
            "e.$": "States.Format('it\\'s \\{\\} {}', $.a)",
          },
          End: true,
        }),
      }),
  ],
  ["jsonpath filter", () => pm({ A: P.pass({ InputPath: "$.a[?(@.n > 1)].b", OutputPath: "$['a b']", End: true }) })],
  [
    "jsonpath slices and recursion",
    () =>
      pm({
        A: P.pass({
          Parameters: { "a.$": "$..a", "b.$": "$.a[0:2]", "c.$": "$.a[-1:]", "d.$": "$", "e.$": "$$" },
          ResultPath: "$.a.b[0].c",
          End: true,
        }),
      }),
  ],
  [
    "jsonpath variable",
    () =>
      pm({
        A: P.pass({ Assign: { "x.$": "$.a", y: 3 }, Next: "B" }),
        B: P.choice({ Choices: [{ Variable: "$x", IsPresent: true, Next: "C" }], Default: "C" }),
        C: P.pass({ Parameters: { "z.$": "$x.name", "w.$": "States.Format('{}', $y)" }, End: true }),
      }),
  ],
  [
    "jsonpath choice all",
    () =>
      pm({
        A: P.choice({
          Choices: [
            {
              Not: {
                And: [
                  { Variable: "$.a", StringMatches: "a*\\*" },
                  { Or: [{ Variable: "$.b", NumericGreaterThanEqualsPath: "$.c" }] },
                ],
              },
              Next: "B",
            },
            { Variable: "$.t", TimestampLessThan: "2026-01-01T00:00:00Z", Next: "B" },
          ],
          Default: "B",
        }),
        B: P.succeed(),
      }),
  ],
  [
    "jsonpath map with null paths",
    () =>
      pm({
        A: P.map({
          ItemsPath: "$.items",
          ItemSelector: { "i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value" },
          ResultPath: null,
          MaxConcurrencyPath: "$.n",
          ItemProcessor: pinner(),
          End: true,
        }),
      }),
  ],
  [
    "jsonpath fail by path with intrinsic",
    () => pm({ A: P.fail({ ErrorPath: "$.e", CausePath: "States.Format('{}', $.c)" }) }),
  ],
  [
    "jsonpath wait by path",
    () => pm({ A: P.wait({ TimestampPath: "$.t", Next: "B" }), B: P.wait({ SecondsPath: "$.s", End: true }) }),
  ],
  [
    "jsonata: choices with Assign and Output",
    () =>
      jm({
        A: J.choice({
          Choices: [{ Condition: "{% true %}", Assign: { k: 1 }, Output: { a: 1 }, Next: "B" }],
          Assign: { k: 2 },
          Default: "B",
        }),
        B: J.succeed({ Output: "{% $k %}" }),
      }),
  ],
  [
    "jsonata: retry of all kinds",
    () =>
      jm({
        A: J.task({
          Resource: L,
          Arguments: { FunctionName: "f" },
          Retry: [
            { ErrorEquals: ["States.Timeout"], MaxAttempts: 0 },
            {
              ErrorEquals: ["States.ALL"],
              IntervalSeconds: 1,
              MaxDelaySeconds: 2,
              BackoffRate: 1.0,
              JitterStrategy: "FULL",
            },
          ],
          End: true,
        }),
      }),
  ],
  [
    "jsonata: activity",
    () =>
      jm({
        A: J.task({
          Resource: "arn:aws:states:eu-central-1:000000000000:activity:work",
          HeartbeatSeconds: 5,
          TimeoutSeconds: "{% $states.input.t %}",
          Arguments: { token: 1 },
          End: true,
        }),
      }),
  ],
  [
    "jsonata: function arn",
    () =>
      jm({
        A: J.task({
          Resource: "arn:aws:lambda:eu-central-1:000000000000:function:work:live",
          Arguments: "{% $states.input %}",
          Output: "{% $merge([$states.input, {'r': $states.result}]) %}",
          End: true,
        }),
      }),
  ],
  [
    "jsonata: multi-line expression with comments and recursion",
    () =>
      jm({
        A: J.pass({
          Output: "{% ( /* factorial */ $f := function($x) { $x <= 1 ? 1 : $x * $f($x - 1) };\n $f(5) ) %}",
          End: true,
        }),
      }),
  ],
  [
    "jsonata: map in map in parallel",
    () =>
      jm({
        A: J.parallel({
          Branches: [
            J.nestedMachine({
              StartAt: "M",
              States: {
                M: J.map({
                  Items: "{% $states.input.rows %}",
                  ItemProcessor: J.nestedMachine({
                    StartAt: "N",
                    States: {
                      N: J.map({
                        Items: "{% $states.context.Map.Item.Value.cells %}",
                        ItemProcessor: inner(),
                        End: true,
                      }),
                    },
                  }),
                  End: true,
                }),
              },
            }),
            jm({ F: J.fail({ Error: "{% $states.input.code %}", Cause: "{% 'c' & $states.input.n %}" }) }),
          ],
          Catch: [{ ErrorEquals: ["States.BranchFailed"], Output: "{% $states.errorOutput.Cause %}", Next: "B" }],
          Next: "B",
        }),
        B: J.succeed(),
      }),
  ],
  [
    "jsonata: hash, parse, random, partition",
    () =>
      jm({
        A: J.pass({
          Output: {
            a: "{% $hash('a', 'SHA-256') %}",
            b: "{% $parse($states.input.t) %}",
            c: "{% $random(5) %}",
            d: "{% $toMillis('2020-01-01T00:00:00Z') > 5 and $states.input.a in ['b'] %}",
          },
          End: true,
        }),
      }),
  ],
  [
    "jsonata: wait until computed time, and a literal with fraction and offset",
    () =>
      jm({
        A: J.wait({ Timestamp: "{% $fromMillis($millis() + 1000) %}", Next: "B" }),
        B: J.wait({ Timestamp: "2028-02-29T23:59:59.123+05:30", End: true }),
      }),
  ],
  [
    "jsonata: dynamo by expression",
    () =>
      jm({
        A: J.dynamoPut({
          Arguments: {
            TableName: "t",
            Item: {
              id: { S: "{% $states.input.id %}" },
              all: "{% $states.input.attribute %}",
              ok: { BOOL: "{% $states.input.ok %}" },
              none: { NULL: true },
              set: { SS: ["a", "b"] },
            },
          },
          End: true,
        }),
      }),
  ],
  [
    "jsonata: distributed by expression",
    () =>
      jm({
        A: J.distributedMap({
          ExecutionType: "EXPRESS",
          ToleratedFailureCount: "{% $states.input.n %}",
          ItemReader: { Resource: "arn:aws:states:::s3:listObjectsV2", Arguments: "{% $states.input.where %}" },
          ResultWriter: { Resource: "arn:aws:states:::s3:putObject", Arguments: { Bucket: "{% $states.input.b %}" } },
          ItemProcessor: inner(),
          End: true,
        }),
      }),
  ],
  ...[{ a: "" }, ["", null], { Output: "", Arguments: 5, a: [{ b: "" }] }].map((value): (typeof RIGHT)[number] => [
    `empty texts in JSON: ${JSON.stringify(value)}`,
    () =>
      jm({
        A: J.pass({ Output: value, Assign: { a: value, b: "" }, Next: "B" }),
        B: J.map({ Items: ["", value], ItemSelector: { a: value, b: "" }, ItemProcessor: inner(), Next: "C" }),
        C: J.task({ Resource: L, Arguments: { ...F, Payload: value }, End: true }),
      }),
  ]),
  ...["JSONL", "PARQUET", "MANIFEST"].map((InputType): (typeof RIGHT)[number] => [
    `a distributed map of ${InputType}`,
    reading({ InputType, MaxItems: "{% $states.input.n %}" }),
  ]),
  [
    "a distributed map of CSV with headers of its own, and one of a place in JSON",
    () =>
      jm({
        A: J.distributedMap({
          ...{ ExecutionType: "STANDARD", Label: "a", ItemProcessor: inner(), Next: "B" },
          ItemReader: {
            Resource: S3,
            ReaderConfig: { InputType: "CSV", CSVHeaderLocation: "GIVEN", CSVHeaders: ["a"], CSVDelimiter: "PIPE" },
            Arguments: place,
          },
          ResultWriter: {
            Resource: "arn:aws:states:::s3:putObject",
            Arguments: { Bucket: "b" },
            WriterConfig: { Transformation: "FLATTEN", OutputType: "JSONL" },
          },
        }),
        B: J.distributedMap({
          ...{ ExecutionType: "STANDARD", Label: "b", End: true },
          ItemProcessor: jm({ Other: J.pass({ End: true }) }),
          ItemReader: { Resource: S3, ReaderConfig: { InputType: "JSON", ItemsPointer: "/a/b" }, Arguments: place },
        }),
      }),
  ],
  [
    "events: ten entries, and an expression",
    calling(PUT_EVENTS, { Entries: [...Array.from({ length: 9 }, () => event), "{% $states.input.event %}"] }),
  ],
  ["credentials: of a role, of an expression", calling(L, F, { Credentials: { RoleArn: "{% $states.input.role %}" } })],
  [
    "a function and an activity by their ARNs, of another partition",
    calling("arn:aws-cn:lambda:cn-north-1:000000000000:function:f", null),
  ],
  ...["aws-eusc:lambda:eusc-de-east-1", "aws-iso-b:lambda:us-isob-east-1", "aws:lambda:mx-central-1"].map(
    (place_): (typeof RIGHT)[number] => [
      `a function in ${place_}`,
      calling(`arn:${place_}:000000000000:function:f`, {}),
    ],
  ),
  ...["{}", '{"a": 1}', "{% $string($states.input) %}", "{% $states.input %}", { a: "hello" }].map(
    (Input): (typeof RIGHT)[number] => [
      `start: an Input of JSON: ${JSON.stringify(Input)}`,
      calling(START, { StateMachineArn: MACHINE, Input }),
    ],
  ),
  [
    "ARNs without region and account, of AWS, and with wildcards",
    output(["arn:aws:s3:::b", "arn:aws:iam::aws:policy/P", "arn:aws:sqs:*:*:q", "arn:aws:s3:us-east-1:000000000000:x"]),
  ],
  [
    "a map whose items are chosen by an expression",
    () =>
      jm({
        A: J.map({
          ItemSelector: "{% $merge([$states.input, {'n': $states.context.Map.Item.Index}]) %}",
          ...{ ItemProcessor: inner(), End: true },
        }),
      }),
  ],
  [
    "a function's own error in small letters",
    () => jm({ A: J.task({ Resource: L, Arguments: F, Retry: [{ ErrorEquals: ["states.mine"] }], End: true }) }),
  ],
  [
    "fields of results, also of one that another program returns",
    () =>
      jm({
        A: J.task({
          ...{ Resource: L, Arguments: F, Output: "{% [$states.result.Payload.payload, $states.result.StatusCode] %}" },
          ...{
            Catch: [{ ErrorEquals: ["States.ALL"], Output: "{% $states.errorOutput.(Error & Cause) %}", Next: "B" }],
            Next: "B",
          },
        }),
        B: J.lambdaInvokeForToken({
          Arguments: { ...F, Payload: "{% $states.context.Task.Token %}" },
          ...{ TimeoutSeconds: 5, Output: "{% $states.result.payload %}", Next: "C" },
        }),
        C: J.startExecutionSync({
          Arguments: { StateMachineArn: MACHINE },
          ...{ Output: "{% $states.result.executionArn %}", Next: "D" },
        }),
        D: J.task({ Resource: FUNCTION, Output: "{% $states.result.payload %}", End: true }),
      }),
  ],
  [
    "choice: one condition twice, of a random number",
    choosing({ Choices: [1, 2].map((Output) => ({ Condition: "{% $random() < 0.3 %}", Output, Next: "B" })) }),
  ],
  [
    "dynamo: bytes",
    calling("arn:aws:states:::dynamodb:putItem", { TableName: "t", Item: { id: { S: "a" }, b: { B: "YWI=" } } }),
  ],
  ["lambda: a version, named twice", calling(L, { FunctionName: `${FUNCTION}:1`, Qualifier: "1" })],
  [
    "a value that may be newer",
    calling("arn:aws:states:::ecs:runTask", { TaskDefinition: "t", LaunchType: "MANAGED_INSTANCES" }),
  ],
  ["a call of another partition", calling("arn:aws-us-gov:states:::lambda:invoke", F)],
  [
    "a variable with the name of a function",
    () => jm({ A: J.pass({ Assign: { count: 1 }, Next: "B" }), B: J.succeed({ Output: "{% $count %}" }) }),
  ],
  ["a function that is called where it is written", output("{% function($x) { $x * 2 }(3) %}")],
  ["texts with braces, and backquoted names", output("{% '{%' & $states.input.`a b`.`c-d` & '}' %}")],
  [
    "the parent of a step, an order, a closure",
    output(
      "{% ($f := function($a) { function($b) { $a + $b } }; $f(1)(2) + $count($states.input.a.b.{'d': %.d}^(>d))) %}",
    ),
  ],
];
/** Expressions that fail in every execution, or have no value in any. */
const FAILING = [
  ...["$formatNumber(1, '')", "$formatNumber($states.input.n, '')", "$formatInteger($states.input.n, 'q;q;q')"],
  ...["$formatBase($states.input.n, 99)", "$fromMillis('a')", "$fromMillis($states.input.t, '[')", "$uppercase()"],
  ...["$toMillis('yesterday')", "$number('abc')", "$decodeUrl('%')", "$sqrt(-1)", "$power(-1, 0.5)", "1e308 * 10"],
  ...["1 / 0", "$states.input.n / 0", "$states.input.n % 0", "[1..100000000]", "['a'..$states.input.n]"],
  ...["$replace($states.input.a, '', 'b')", "$split($states.input.a, ',', -1)"],
  ...["$single([1, 2])", "$sort([{'a': 1}, {'b': 2}])", "$sum(['a'])", "$join([1, 2])"],
  ...[
    "$reduce($states.input.a, function($x) { $x })",
    "$parse('{')",
    "$partition($states.input.a, 0)",
    "$range(1, 5, 0)",
  ],
  ...["{'a': 1, 'a': $states.input.a}", "{1: 2}", "$states.input.a ~> 5", "'a' ~> 'b'", "()", "[][0]", "$min([])"],
  ...["{'n': $states.input.n, 'at': $toMillis('soon')}", "$states.input.a ? $number('none') : 1"],
  ...["$uppercase", "[$uppercase]", "{'a': $uppercase}", "$states.input.a ? $uppercase : 1", "($f := 1; $uppercase)"],
] as const;

/** They look like those. */
const LASTING = [
  ...["$formatNumber($states.input.n, '#,##0.00')", "$fromMillis(0, '[Y0001]-[M01]')", "$toMillis('2026-01-01')"],
  ...["$states.input.times.$fromMillis('[Y]')", "$states.input.a.{'x': $string()}", "$states.input.a[$contains('x')]"],
  ...["$map($states.input.a, $uppercase)", "'a' ~> $uppercase", "'a' ~> $uppercase()", "($sum := 1; $sum)"],
  ...["$states.input.a ? 1 : $error('none')", "$assert($states.input.a, 'none')", "$exists([][0])", "$number('5') * 2"],
  ...[
    "$parse('{\"a\": 1}')",
    "$partition([1, 2, 3], 2)",
    "$range(5, 1, -1)",
    "$reduce([1, 2], function($a, $b) { $a + $b })",
  ],
  ...["$replace($states.input.a, /x/, function($m) { $m.match })", "$states.input.n / 2", "[1..5]", "null", "''", "{}"],
  ...["($f := function($x) { $x = 0 ? 0 : $f($x - 1) }; $f(3))", "$toMillis('${var.time}')", "$states.input.a ? 1"],
] as const;

describe("an expression", () => {
  it.each(FAILING)("is refused, because it fails in every execution: %s", (expression) => {
    expect(output({ a: `{% ${expression} %}` })).toThrow(MachineError);
  });

  it.each(LASTING)("is accepted: %s", (expression) => {
    expect(output({ a: `{% ${expression} %}` })).not.toThrow();
  });

  it("that would never end is left to the execution", () => {
    expect(output("{% ($f := function($x) { $f($x + 1) }; $f(1)) %}")).not.toThrow();
  });
});

describe("a machine of a stranger", () => {
  it.each(WRONG)("is refused: %s", (_, build) => {
    expect(build).toThrow(MachineError);
  });

  it.each(RIGHT)("is accepted: %s", (_, build) => {
    expect(build).not.toThrow();
  });
});
