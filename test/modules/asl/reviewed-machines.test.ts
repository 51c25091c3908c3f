/**
 * Machines that a review found accepted, of each kind that Step Functions or a service refuses, beside right ones that resemble them. Their
 * fields are not typed: only what runs at synth may refuse them.
 */
import { MachineError } from "../../../modules/asl/machine";
import { untypedJsonata as J, untypedJsonpath as P } from "../../support/untyped-asl";

const jm = (States: object, extra: object = {}) =>
  J.stateMachine({ StartAt: Object.keys(States)[0], States, ...extra });
const pm = (States: object, extra: object = {}) =>
  P.stateMachine({ StartAt: Object.keys(States)[0], States, ...extra });
const L = "arn:aws:states:::lambda:invoke";
const F = { FunctionName: "f" };
const S3 = "arn:aws:states:::s3:getObject";
const LIST = "arn:aws:states:::s3:listObjectsV2";
const PUT = "arn:aws:states:::s3:putObject";
const SQS = "arn:aws:states:::sqs:sendMessage";
const SNS = "arn:aws:states:::sns:publish";
const EVENTS = "arn:aws:states:::events:putEvents";
const HTTP = "arn:aws:states:::http:invoke";
const QUEUE = "https://sqs.eu-central-1.amazonaws.com/000000000000/q";
const TOPIC = "arn:aws:sns:eu-central-1:000000000000:t";
const ROLE = "arn:aws:iam::000000000000:role/other";
const place = { Bucket: "b", Key: "k" };
const event = { Detail: "{}", DetailType: "a", Source: "b" };
const request = {
  ApiEndpoint: "https://a.example",
  Method: "POST",
  Authentication: { ConnectionArn: "arn:aws:events:eu-central-1:000000000000:connection/c/1" },
};
const inner = () => jm({ In: J.pass({ End: true }) });
const pinner = () => pm({ In: P.pass({ End: true }) });
const distributed = (fields: object) => () =>
  jm({ A: J.distributedMap({ ExecutionType: "STANDARD", ItemProcessor: inner(), End: true, ...fields }) });
const reading = (ReaderConfig: object, fields: object = {}) =>
  distributed({ ItemReader: { Resource: S3, ReaderConfig, Arguments: place, ...fields } });
const calling =
  (Resource: string, Arguments: unknown, fields: object = {}) =>
  () =>
    jm({ A: J.task({ Resource, Arguments, ...fields, End: true }) });
const pcalling =
  (Resource: string, Parameters: unknown, fields: object = {}) =>
  () =>
    pm({ A: P.task({ Resource, Parameters, ...fields, End: true }) });
const retrying = (...Retry: readonly object[]) => calling(L, F, { Retry });
const catching = (fields: object) => () =>
  jm({
    A: J.task({ ...{ Resource: L, Arguments: F, Next: "B" }, Catch: [{ ErrorEquals: ["A"], Next: "B", ...fields }] }),
    B: J.succeed(),
  });
const choosing = (rule: object) => () =>
  jm({ A: J.choice({ Choices: [{ Condition: "{% true %}", Next: "B", ...rule }], Default: "B" }), B: J.succeed() });
const pchoosing = (rule: object) => () =>
  pm({ A: P.choice({ Choices: [{ Next: "B", ...rule }], Default: "B" }), B: P.succeed() });
const output = (Output: unknown) => () => jm({ A: J.pass({ Output, End: true }) });
const intrinsic = (call: unknown) => () => pm({ A: P.pass({ Parameters: { "a.$": call }, End: true }) });
/** As JSON, which no constructor has seen. */
const written = (state: object, others: object = {}) =>
  jm({ A: J.map({ ItemProcessor: nested(state, others), End: true }) });
const nested = (state: object, others: object = {}) => ({ StartAt: "X", States: { X: state, ...others } });
const long = "x".repeat(262_145);
const ACTIVITY = "arn:aws:states:eu-central-1:000000000000:activity:w";
const half = "\ud83d";
const waiting = (seconds: readonly number[], TimeoutSeconds: number) => () =>
  jm(
    Object.fromEntries(
      seconds.map((Seconds, n) => [
        `S${n}`,
        J.wait({ Seconds, ...(n === seconds.length - 1 ? { End: true } : { Next: `S${n + 1}` }) }),
      ]),
    ),
    { TimeoutSeconds },
  );
const waitingInBranch = (Seconds: number) => () =>
  jm({ A: J.parallel({ Branches: [jm({ X: J.wait({ Seconds, End: true }) })], End: true }) }, { TimeoutSeconds: 60 });
const mapping =
  (fields: object, item: object = {}) =>
  () =>
    pm({
      A: P.map({
        ItemProcessor: P.nestedMachine({ StartAt: "X", States: { X: P.pass({ ...item, End: true }) } }),
        ...fields,
        End: true,
      }),
    });
const gateway = { ApiEndpoint: "a.execute-api.eu-central-1.amazonaws.com", Method: "GET" };
const cluster = { CertificateAuthority: "a", ClusterName: "b", Endpoint: "c" };
const message = { QueueUrl: QUEUE, MessageBody: "x" };
const CSV = { InputType: "CSV", CSVHeaderLocation: "GIVEN" };

const WRONG: readonly (readonly [wrong: string, build: () => unknown, message: RegExp])[] = [
  // Machines
  [
    "a definition of more than 1 MiB",
    () =>
      jm(
        Object.fromEntries(
          Array.from({ length: 6 }, (_, n) => [
            `S${n}`,
            J.pass({ Output: "x".repeat(200_000), ...(n < 5 ? { Next: `S${n + 1}` } : { End: true }) }),
          ]),
        ),
      ),
    /its definition has \d+ bytes/,
  ],
  [
    "a JSONPath machine in a JSONata map",
    () => jm({ A: J.map({ ItemProcessor: pinner(), End: true }) }),
    /in JSONPath, and the machine around it in JSONata/,
  ],
  [
    "a JSONata machine in a JSONPath parallel",
    () => pm({ A: P.parallel({ Branches: [inner()], End: true }) }),
    /in JSONata, and/,
  ],
  [
    "a nested retrier of States.ALL beside another",
    () =>
      written({ Type: "Task", Resource: L, Arguments: F, End: true, Retry: [{ ErrorEquals: ["States.ALL", "x"] }] }),
    /X has States.ALL beside/,
  ],
  [
    "a nested Choice without Default",
    () => written({ Type: "Choice", Choices: [{ Condition: "{% true %}", Next: "Y" }] }, { Y: { Type: "Succeed" } }),
    /X has no Default/,
  ],
  [
    "a nested state that is unreachable",
    () => written({ Type: "Succeed" }, { Y: { Type: "Succeed" } }),
    /Y is unreachable/,
  ],
  ["a nested loop", () => written({ Type: "Pass", Next: "X" }), /X never reaches an end/],
  ["a nested wait of less than nothing", () => written({ Type: "Wait", Seconds: -1, End: true }), /X has Seconds -1/],
  [
    "an inline map with ExecutionType",
    () =>
      jm({
        A: J.map({
          ItemProcessor: { ...inner(), ProcessorConfig: { Mode: "INLINE", ExecutionType: "STANDARD" } },
          End: true,
        }),
      }),
    /ExecutionType, which only distributed/,
  ],
  // Fields of objects
  ["a misspelt field of a rule", choosing({ Nxt: "B" }), /Nxt in Choices/],
  [
    "a misspelt field of a JSONPath rule",
    pchoosing({ Variable: "$.a", IsNull: true, Assing: {} }),
    /Assing in Choices/,
  ],
  [
    "a field of a rule within a condition",
    pchoosing({ And: [{ Variable: "$.a", IsNull: true, Assign: { x: 1 } }] }),
    /Assign within a condition/,
  ],
  [
    "a misspelt field of an ItemBatcher",
    distributed({ ItemBatcher: { MaxItemsPerBatch: 3, Foo: 1 } }),
    /Foo in ItemBatcher/,
  ],
  ["a misspelt field of an ItemReader", reading({ InputType: "JSON" }, { Foo: 1 }), /Foo in ItemReader/],
  [
    "a misspelt field of a ResultWriter",
    distributed({ ResultWriter: { Resource: PUT, Arguments: { Bucket: "b" }, Foo: 1 } }),
    /Foo in ResultWriter/,
  ],
  ["a comment of a rule that is no text", choosing({ Comment: 5 }), /Comment in Choices/],
  ["a comment of a retrier that is no text", retrying({ ErrorEquals: ["A"], Comment: 5 }), /Comment in Retry/],
  ["a comment of a catcher that is no text", catching({ Comment: 5 }), /Comment in Catch/],
  [
    "a path in an ItemBatcher of JSONata",
    distributed({ ItemBatcher: { MaxItemsPerBatchPath: "$.a" } }),
    /MaxItemsPerBatchPath in ItemBatcher/,
  ],
  // Errors
  ["an error of Step Functions in small letters", retrying({ ErrorEquals: ["states.all"] }), /states.all in Retry/],
  [
    "an error behind States.TaskFailed",
    retrying({ ErrorEquals: ["States.TaskFailed"] }, { ErrorEquals: ["Mine"] }),
    /Mine twice in Retry/,
  ],
  [
    "an error of the SDK's DynamoDB for the integrated one",
    calling(
      "arn:aws:states:::dynamodb:deleteItem",
      { TableName: "tab", Key: { id: { S: "a" } } },
      { Retry: [{ ErrorEquals: ["DynamoDb.ConditionalCheckFailedException"] }] },
    ),
    /begin with DynamoDB\./,
  ],
  [
    "an error of the integrated DynamoDB for the SDK's",
    calling(
      "arn:aws:states:::aws-sdk:dynamodb:deleteItem",
      { TableName: "tab", Key: { id: { S: "a" } } },
      { Retry: [{ ErrorEquals: ["Mine", "DynamoDB.ConditionalCheckFailedException"] }] },
    ),
    /begin with DynamoDb\./,
  ],
  [
    "a misspelt error of Lambda",
    retrying({ ErrorEquals: ["Lambda.TooManyRequestException"] }),
    /not an error of Lambda: Lambda.TooManyRequestsException/,
  ],
  // Sizes
  ...["Output", "Assign"].map((name): (typeof WRONG)[number] => [
    `${name} of more than 256 KiB`,
    () => jm({ A: J.pass({ [name]: { a: long }, End: true }) }),
    new RegExp(`${name} of more than 262144 bytes`),
  ]),
  ["Arguments of more than 256 KiB", calling(L, { ...F, Payload: long }), /Arguments of more than/],
  ["a Result of more than 256 KiB", () => pm({ A: P.pass({ Result: long, End: true }) }), /Result of more than/],
  // JSONata
  ...["$states.input.a ?? 5", "($states.input.a + 1) ?: 'x'", "{'a': $states.input[0].b ?? {}}"].map(
    (expression): (typeof WRONG)[number] => [
      `an operator of a later version: ${expression}`,
      output(`{% ${expression} %}`),
      /JSONata 2.0.6 does not have/,
    ],
  ),
  ["a name of JSONPath in an output", output({ "a.$": "x" }), /a\.\$ as a name/],
  ["a function of JSONPath in an output", output("States.UUID()"), /a function of JSONPath/],
  ["a transform with a number", output("{% $states.input ~> |a|5| %}"), /a transform whose/],
  ["a transform that deletes a number", output("{% $states.input ~> |a|{}, 5| %}"), /a transform whose/],
  // Distributed maps
  [
    "batches of an expression that is nothing",
    distributed({ ItemBatcher: { MaxItemsPerBatch: "{% 1 - 1 %}" } }),
    /MaxItemsPerBatch 0/,
  ],
  [
    "batches of text",
    distributed({ ItemBatcher: { MaxItemsPerBatch: "{% 'a' %}" } }),
    /MaxItemsPerBatch that is no number/,
  ],
  [
    "headers that are numbers",
    reading({ InputType: "CSV", CSVHeaderLocation: "GIVEN", CSVHeaders: [1] }),
    /CSVHeaders that are no texts/,
  ],
  [
    "a manifest's type without a manifest",
    reading({ InputType: "JSON", ManifestType: "S3_INVENTORY" }),
    /ManifestType/,
  ],
  [
    "the content of a list of objects without its type",
    reading({ Transformation: "LOAD_AND_FLATTEN" }, { Resource: LIST, Arguments: { Bucket: "b" } }),
    /without InputType/,
  ],
  [
    "a bucket that is a number",
    reading({ InputType: "JSON" }, { Arguments: { Bucket: 1, Key: "k" } }),
    /Bucket for .* that is no text/,
  ],
  [
    "a bucket with a name that none has",
    reading({ InputType: "JSON" }, { Arguments: { Bucket: "Not A Bucket", Key: "k" } }),
    /Bucket Not A Bucket/,
  ],
  ["an empty key", reading({ InputType: "JSON" }, { Arguments: { Bucket: "b", Key: "" } }), /no Key/],
  ["a misspelt parameter of a reader", reading({ InputType: "JSON" }, { Arguments: { ...place, Buckt: 1 } }), /Buckt/],
  ["a key of a list", distributed({ ItemReader: { Resource: LIST, Arguments: place } }), /Key for .*listObjectsV2/],
  ["a key of results", distributed({ ResultWriter: { Resource: PUT, Arguments: place } }), /Key for .*putObject/],
  // Tokens
  [
    "a token as text",
    calling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: "$states.context.Task.Token" },
      { TimeoutSeconds: 5 },
    ),
    /does not send/,
  ],
  [
    "a token as text of an expression",
    calling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: "{% '$states.context.Task.Token' %}" },
      { TimeoutSeconds: 5 },
    ),
    /does not send/,
  ],
  [
    "a token of JSONPath as text",
    pcalling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: { "t.$": "States.Format('$$.Task.Token')" } },
      { TimeoutSeconds: 5 },
    ),
    /does not send/,
  ],
  [
    "a token in the output of a task that has none",
    calling(L, F, { Output: "{% $states.context.Task.Token %}" }),
    /does not wait for/,
  ],
  ["an activity with a suffix", calling("arn:aws:states:eu-central-1:000000000000:activity:w.sync", {}), /no suffix/],
  // Calls
  ...[
    ...["athena:runQuery.sync", "codebuild:startBuilds.sync", "elasticmapreduce:createClster.sync", "eks:runJobs.sync"],
    ...["sagemaker:createTrainJob.sync", "mediaconvert:createJobs.sync", "emr-serverless:startApp.sync"],
    ...["emr-containers:startJob.sync", "lambda:Invoke", "databrew:startJob"],
  ].map((call): (typeof WRONG)[number] => [
    `an action that is not integrated: ${call}`,
    calling(`arn:aws:states:::${call}`, {}),
    /which Step Functions does not integrate/,
  ]),
  ...["athena:getQueryResults.sync", "codebuild:batchDeleteBuilds.sync", "bedrock:invokeModel.sync"].map(
    (call): (typeof WRONG)[number] => [
      `a wait for the end of what is no job: ${call}`,
      calling(`arn:aws:states:::${call}`, {}),
      /waits with .sync/,
    ],
  ),
  ...["aws:sdk:s3:getObject", "awssdk:s3:getObject", "lambda"].map((call): (typeof WRONG)[number] => [
    `a resource in another form: ${call}`,
    calling(`arn:aws:states:::${call}`, {}),
    /neither an integrated call nor/,
  ]),
  ...[
    "lambda:eu-central-1::function:f",
    "lambda:eu-central-1:0000:function:f",
    "lambda:eu-central-1:000000000000:fuction:f",
  ].map((arn): (typeof WRONG)[number] => [`an ARN of no function: ${arn}`, calling(`arn:aws:${arn}`, {}), /neither/]),
  [
    "a service that the SDK does not have",
    calling("arn:aws:states:::aws-sdk:s33:getObject", place),
    /aws-sdk:s33, which is not a service: aws-sdk:s3/,
  ],
  ["a service by its other name", calling("arn:aws:states:::aws-sdk:states:startExecution", {}), /: aws-sdk:sfn/],
  [
    "a misspelt action of the SDK",
    calling("arn:aws:states:::aws-sdk:dynamodb:putItm", {}),
    /putItm, .*: aws-sdk:dynamodb:putItem/,
  ],
  ["an action of the command line", calling("arn:aws:states:::aws-sdk:s3:get-object", place), /neither|begin with one/],
  [
    "a call of the SDK without what it needs",
    calling("arn:aws:states:::aws-sdk:s3:getObject", { Bucket: "b" }),
    /no Key for aws-sdk:s3:getObject/,
  ],
  [
    "a misspelt parameter of the SDK",
    calling("arn:aws:states:::aws-sdk:s3:getObject", { ...place, VersonId: "1" }),
    /VersonId/,
  ],
  [
    "a misspelt parameter of a job",
    calling("arn:aws:states:::glue:startJobRun.sync", { JobName: "a", JobRunID_: "b" }),
    /JobRunID_/,
  ],
  ["a job without its name", calling("arn:aws:states:::glue:startJobRun.sync", {}), /no JobName/],
  ["a model without its name", calling("arn:aws:states:::bedrock:invokeModel", { Body: {} }), /no ModelId/],
  ["a job of a cluster without the cluster", calling("arn:aws:states:::eks:runJob.sync", {}), /no ClusterName/],
  [
    "a queue by its ARN",
    calling(SQS, { QueueUrl: "arn:aws:sqs:eu-central-1:000000000000:q", MessageBody: "x" }),
    /QueueUrl arn/,
  ],
  ["a queue by its name", calling(SQS, { QueueUrl: "q", MessageBody: "x" }), /QueueUrl q/],
  ["a FIFO queue without a group", calling(SQS, { QueueUrl: `${QUEUE}.fifo`, MessageBody: "x" }), /no MessageGroupId/],
  [
    "a FIFO queue with a delay of its message",
    calling(SQS, { QueueUrl: `${QUEUE}.fifo`, MessageBody: "x", MessageGroupId: "g", DelaySeconds: 5 }),
    /DelaySeconds for a FIFO/,
  ],
  [
    "a topic that is a queue",
    calling(SNS, { Message: "m", TopicArn: "arn:aws:sqs:eu-central-1:000000000000:q" }),
    /TopicArn/,
  ],
  ["a topic by its name", calling(SNS, { Message: "m", TopicArn: "topic" }), /TopicArn topic/],
  ["a FIFO topic without a group", calling(SNS, { Message: "m", TopicArn: `${TOPIC}.fifo` }), /no MessageGroupId/],
  ["a subject of 101 characters", calling(SNS, { Message: "m", TopicArn: TOPIC, Subject: "x".repeat(101) }), /Subject/],
  ["a function with a name that none has", calling(L, { FunctionName: "my function!" }), /FunctionName my function!/],
  [
    "a function that is a machine",
    calling(L, { FunctionName: "arn:aws:states:eu-central-1:000000000000:stateMachine:x" }),
    /FunctionName arn/,
  ],
  ["a type of log that does not exist", calling(L, { ...F, LogType: "All" }), /LogType All/],
  ["a request without a connection", calling(HTTP, { ...request, Authentication: {} }), /ConnectionArn/],
  [
    "a request with the connection of something else",
    calling(HTTP, { ...request, Authentication: { ConnectionArn: "arn:aws:events:eu-central-1:000000000000:rule/x" } }),
    /ConnectionArn/,
  ],
  ["a request with a misspelt body", calling(HTTP, { ...request, Body: {} }), /Body for http:invoke/],
  ["events that are no list", calling(EVENTS, { Entries: event }), /no list/],
  [
    "an event whose detail is no JSON",
    calling(EVENTS, { Entries: [{ ...event, Detail: "not json" }] }),
    /Detail is text/,
  ],
  ["an event of AWS", calling(EVENTS, { Entries: [{ ...event, Source: "aws.mine" }] }), /AWS' own/],
  ["an event with a misspelt field", calling(EVENTS, { Entries: [{ ...event, EventBus: "a" }] }), /EventBus for/],
  // Credentials
  ["a role without an account", calling(L, F, { Credentials: { RoleArn: "arn:aws:iam:::role/x" } }), /Credentials for/],
  [
    "a role without a name",
    calling(L, F, { Credentials: { RoleArn: "arn:aws:iam::000000000000:role/" } }),
    /Credentials for/,
  ],
  [
    "a role of an expression that is a number",
    calling(L, F, { Credentials: { RoleArn: "{% 5 %}" } }),
    /Credentials for/,
  ],
  // JSONPath
  ...[
    ...[
      "States.MathRandom('a', 1)",
      "States.ArrayRange(1, 5000, 1)",
      "States.ArrayLength('a')",
      "States.ArrayGetItem($.a, -1)",
    ],
    ...[
      "States.JsonMerge($.a, $.b, true)",
      "States.JsonMerge('a', $.b, false)",
      "States.Format(5)",
      "States.Hash($.a, 5)",
    ],
    ...[
      "States.Base64Encode(5)",
      "States.StringSplit(5, ',')",
      "States.ArrayContains('a', 'b')",
      "States.ArrayPartition($.a, 1.5)",
    ],
    ...["States.MathAdd(States.UUID(), 1)", "States.ArrayLength(States.Format('a'))"],
  ].map((call): (typeof WRONG)[number] => [
    `arguments that an intrinsic function does not take: ${call}`,
    intrinsic(call),
    /with arguments that it does not take/,
  ]),
  ["a text in double quotes", intrinsic('States.Format("{}", $.a)'), /single quotes/],
  ["a brace without a backslash", intrinsic("States.Format('{ {}', $.a)"), /a brace that has no backslash/],
  [
    "text as a path, in a list",
    () => pm({ A: P.pass({ Parameters: { x: [{ "b.$": "plain" }] }, End: true }) }),
    /b\.\$ plain/,
  ],
  ["null as a path", intrinsic(null), /a\.\$ that is no path/],
  [
    "a function at a name without .$",
    () => pm({ A: P.pass({ Parameters: { a: "States.UUID()" }, End: true }) }),
    /a\.\$ takes functions/,
  ],
  // Services' own descriptions
  ...(
    [
      ["ecs:runTask.sync", { TaskDefinition: "t", Zork: 1 }, /Zork for ecs:runTask/],
      ["batch:submitJob.sync", { JobName: "a", JobQueue: "b", JobDefinition: "c", Zork: 1 }, /Zork for batch/],
      ["emr-serverless:startJobRun.sync", { ApplicationId: "a" }, /no ExecutionRoleArn/],
      ["emr-containers:startJobRun.sync", { Zork: 1, VirtualClusterId: "a" }, /Zork for/],
      ["elasticmapreduce:createCluster.sync", { Name: "a" }, /no Instances/],
      ["elasticmapreduce:addStep.sync", { Step: {} }, /no ClusterId/],
      ["sagemaker:createModel", { ModelName: "a", ExecutionRoleArn: "b", Zork: 1 }, /Zork for/],
      ["eks:createNodegroup.sync", { ClusterName: "a" }, /no NodegroupName/],
      ["eks:call", { ...cluster, Method: "FETCH", Path: "/" }, /Method FETCH/],
      ["eks:call", { ...cluster, Method: "GET", Path: "/", Body: {} }, /Body for eks:call/],
      ["bedrock:invokeModel", { ModelId: "m", Zork: 1 }, /Zork for/],
      ["apigateway:invoke", { ...gateway, ApiEndpoint: `https://${gateway.ApiEndpoint}` }, /ApiEndpoint https/],
      ["apigateway:invoke", { ...gateway, AuthType: "IAM" }, /AuthType IAM/],
      [
        "sqs:sendMessage",
        { ...message, MessageAttributes: { a: "b" } },
        /MessageAttributes "b", which is no structure/,
      ],
      ["sqs:sendMessage", { ...message, MessageAttributes: { a: { StringValue: "b" } } }, /no DataType/],
      ["sqs:sendMessage", { ...message, MessageGroupId: "a b" }, /MessageGroupId a b/],
      ["sns:publish", { Message: "m", TopicArn: TOPIC, MessageStructure: "xml" }, /MessageStructure xml/],
      ["sns:publish", { Message: "m", TopicArn: TOPIC, MessageStructure: "json" }, /not the text of an object/],
      ["events:putEvents", { Entries: [{ ...event, Resources: "a" }] }, /Resources "a", which is no list/],
      ["aws-sdk:s3:listObjectsV2", { Bucket: "b", MaxKeys: "ten" }, /MaxKeys "ten", which is no integer/],
      [
        "aws-sdk:ec2:runInstances",
        { MinCount: 1, MaxCount: 1, Placement: "a" },
        /Placement "a", which is no structure/,
      ],
      [
        "aws-sdk:ec2:runInstances",
        { MinCount: 1, MaxCount: 1, Placement: { AvailabilityZon: "a" } },
        /AvailabilityZon for aws-sdk:ec2:runInstances.Placement/,
      ],
      ["aws-sdk:dynamodb:query", { TableName: "tab", ConsistentRead: "sometimes" }, /which is no boolean/],
      ["aws-sdk:dynamodb:batchGetItem", { RequestItems: { tab: { Keys: {} } } }, /Keys {}, which is no list/],
      ["ecs:runTask.sync", { TaskDefinition: "t", LaunchType: "FARGET" }, /LaunchType FARGET, .* values: FARGATE/],
      [
        "ecs:runTask.sync",
        {
          TaskDefinition: "t",
          NetworkConfiguration: { AwsvpcConfiguration: { Subnets: [], AssignPublicIp: "ENABLE" } },
        },
        /AssignPublicIp ENABLE/,
      ],
      [
        "codebuild:startBuild.sync",
        { ProjectName: "a", EnvironmentVariablesOverride: [{ Name: "a", Value: "b", Type: "PLAIN_TEXT" }] },
        /Type PLAIN_TEXT/,
      ],
      ["dynamodb:getItem", { TableName: "tab", Key: { id: { S: "1" } }, ReturnConsumedCapacity: "TOTALS" }, /TOTALS/],
      ["events:putEvents", { Entries: [{ ...event, Time: "yesterday" }] }, /Time "yesterday", which is no timestamp/],
      ["aws-sdk:s3:putObject", { ...place, StorageClass: "glacier" }, /StorageClass glacier/],
      ["aws-sdk:lambda:invoke", { ...F, InvocationType: "Evnt" }, /InvocationType Evnt/],
      [
        "aws-sdk:cloudwatch:putMetricData",
        { Namespace: "n", MetricData: [{ MetricName: "m", Unit: "Second" }] },
        /Unit Second/,
      ],
    ] satisfies (readonly [string, object, RegExp])[]
  ).map(([call, args, message]): (typeof WRONG)[number] => [
    `what ${call} does not take: ${JSON.stringify(args)}`,
    calling(`arn:aws:states:::${call}`, args),
    message,
  ]),
  [
    "credentials of an activity",
    calling(ACTIVITY, {}, { Credentials: { RoleArn: ROLE } }),
    /Credentials for an activity/,
  ],
  ["an activity with a name of 81 characters", calling(ACTIVITY + "x".repeat(80), {}), /neither/],
  // Time
  ["a wait as long as the machine has", waiting([60], 60), /S0 waits longer/],
  ["waits that together are as long as the machine has", waiting([20, 20, 20], 60), /S2 waits longer/],
  [
    "a wait of an expression that is as long as the machine has",
    () => jm({ A: J.wait({ Seconds: "{% 2 * 30 %}", End: true }) }, { TimeoutSeconds: 60 }),
    /A waits longer/,
  ],
  ["a wait in a branch that is too long", waitingInBranch(60), /X waits longer/],
  // Texts
  ["half a character in an output", output(half), /half of a surrogate pair/],
  ["half a character in a name of an output", output({ [half]: 1 }), /half of a surrogate pair/],
  [
    "half a character in a comment",
    () => jm({ A: J.pass({ End: true }) }, { Comment: half }),
    /half of a surrogate pair/,
  ],
  [
    "half a character in the name of a state",
    () => jm({ [`A${half}`]: J.pass({ End: true }) }),
    /half of a surrogate pair/,
  ],
  // The context of a Map
  ["a part of an item that does not exist", output("{% $states.context.Map.Item.Valu %}"), /Map.Item.Valu, which does/],
  [
    "a part of an item that does not exist, as a path",
    mapping({}, { Parameters: { "a.$": "$$.Map.Item.Valu" } }),
    /Valu/,
  ],
  ["the item of a Map outside of one", intrinsic("$$.Map.Item.Value"), /\$\$\.Map outside/],
  [
    "the own item of a Map in its result",
    mapping({ ResultSelector: { "a.$": "$$.Map.Item.Value" } }),
    /\$\$\.Map outside/,
  ],
  ["headers of more than 10 KiB", reading({ ...CSV, CSVHeaders: ["a".repeat(10_241)] }), /CSVHeaders of more than/],
  ["a name of a group that is no text", output("{% $states.input.a{1: 2} %}"), /a name that is no text/],
  [
    "a variable that is assigned twice",
    () => pm({ A: P.pass({ Assign: { a: 1, "a.$": "$.b" }, End: true }) }),
    /assigns \$a twice/,
  ],
  ["an error that is an expression", retrying({ ErrorEquals: ["{% 'a' %}"] }), /names of errors are not evaluated/],
  // Functions
  ...[
    ...["(function($x)<n:n>{$x})('a')", "(function($x)<n:n>{$x})()", "(function($x)<s?:n>{1})(1)"],
    ...["'a' ~> $f", "'a' ~> (function($x)<n:n>{$x})", "'a' ~> $f()", "$f($states.input.a > 1)", "$f(1, 2)"].map(
      (call) => `($f := function($x)<n:n>{$x}; ${call})`,
    ),
  ].map((expression): (typeof WRONG)[number] => [
    `arguments that a signature does not take: ${expression}`,
    output(`{% ${expression} %}`),
    /signature <.*> does not take/,
  ]),
  ...[
    ...["States.MathAdd(3000000000, 1)", "States.MathRandom(10, 1)", "States.MathRandom(5, 5)"],
    ...["Base64Encode('", "Base64Decode('"].map((call) => `States.${call}${"a".repeat(10_001)}')`),
    `States.Hash('${"a".repeat(10_001)}', 'MD5')`,
  ].map((call): (typeof WRONG)[number] => [
    `numbers and texts that are too large for an intrinsic function: ${call.slice(0, 40)}`,
    intrinsic(call),
    /with arguments that it does not take/,
  ]),
  ["a cause that is a number", () => pm({ A: P.fail({ CausePath: "States.MathAdd($.a, 1)" }) }), /is no text/],
];

const RIGHT: readonly (readonly [right: string, build: () => unknown])[] = [
  [
    "a nested machine as JSON",
    () => written({ Type: "Pass", Output: "{% $states.context.Map.Item.Value %}", End: true }),
  ],
  [
    "a distributed map with all that it has",
    distributed({
      ItemBatcher: { MaxItemsPerBatch: "{% $states.input.n %}", MaxInputBytesPerBatch: 262_144, BatchInput: { a: 1 } },
      ResultWriter: { Resource: PUT, Arguments: { Bucket: "my.bucket-1", Prefix: "a" } },
    }),
  ],
  [
    "the content of a list of objects",
    reading(
      { Transformation: "LOAD_AND_FLATTEN", InputType: "JSON" },
      { Resource: LIST, Arguments: { Bucket: "b", Prefix: "p" } },
    ),
  ],
  [
    "a token within an expression",
    calling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: "{% {'t': $states.context.Task.Token} %}" },
      { TimeoutSeconds: 5 },
    ),
  ],
  [
    "a token with its task",
    calling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: "{% $states.context.Task %}" },
      { TimeoutSeconds: 5 },
    ),
  ],
  [
    "a token with its context",
    calling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: "{% $states.context %}" },
      { TimeoutSeconds: 5 },
    ),
  ],
  [
    "a token of JSONPath",
    pcalling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, MessageBody: { "t.$": "$$.Task.Token" } },
      { TimeoutSeconds: 5 },
    ),
  ],
  [
    "a token of JSONPath within a text",
    pcalling(
      `${SQS}.waitForTaskToken`,
      { QueueUrl: QUEUE, "MessageBody.$": "States.Format('{}', $$.Task.Token)" },
      { TimeoutSecondsPath: "$.t" },
    ),
  ],
  ["a comment about a token", calling(L, F, { Comment: "without $states.context.Task.Token" })],
  ...[
    "f:live",
    "f:$LATEST",
    "000000000000:function:f",
    "arn:aws:lambda:eu-central-1:000000000000:function:f:3",
    "${aws_lambda_function.a.arn}",
    "{% $states.input.f %}",
  ].map((FunctionName): (typeof RIGHT)[number] => [`the function ${FunctionName}`, calling(L, { FunctionName })]),
  ["a FIFO queue", calling(SQS, { QueueUrl: `${QUEUE}.fifo`, MessageBody: "x", MessageGroupId: "g" })],
  [
    "a topic, of Terraform, and a telephone",
    () =>
      jm({
        A: J.task({ Resource: SNS, Arguments: { Message: "m", TopicArn: "${aws_sns_topic.a.arn}" }, Next: "B" }),
        B: J.task({ Resource: SNS, Arguments: { Message: "m", PhoneNumber: "+491" }, End: true }),
      }),
  ],
  ...(
    [
      ["s3:putObject", { ...place, Body: "{% $states.input %}" }],
      ["s3:listObjectsV2", { Bucket: "b", MaxKeys: 5 }],
      ["sfn:startExecution", { StateMachineArn: "a" }],
      ["cloudwatchlogs:createLogGroup", { LogGroupName: "a" }],
      ["ec2:runInstances", { MinCount: 1, MaxCount: 1 }],
      ["eventbridge:putRule", { Name: "a" }],
      ["secretsmanager:createSecret", { Name: "a" }],
      [
        "dynamodb:query",
        { TableName: "tab", KeyConditionExpression: "a = :a", ExpressionAttributeValues: { ":a": { S: "1" } } },
      ],
      ["cognitoidentityprovider:adminGetUser", { UserPoolId: "a", Username: "b" }],
      ["sesv2:sendEmail", { Content: {} }],
      ["rdsdata:executeStatement", { ResourceArn: "a", SecretArn: "b", Sql: "c" }],
      ["apigatewaymanagementapi:postToConnection", { ConnectionId: "a", Data: "b" }],
      ["bedrockruntime:invokeModel", { ModelId: "a", Body: {} }],
      // AWS may have got them since.
      ["s3:summarizeObject", { Bucket: "a" }],
      ["quantumledgers:createBlock", { Name: "a" }],
    ] satisfies (readonly [string, object])[]
  ).map(([call, args]): (typeof RIGHT)[number] => [
    `the SDK's ${call}`,
    calling(`arn:aws:states:::aws-sdk:${call}`, args),
  ]),
  ...(
    [
      ["ecs:runTask.sync", { TaskDefinition: "t", LaunchType: "FARGATE", Cluster: "c", NetworkConfiguration: {} }],
      ["batch:submitJob.sync", { JobName: "a", JobQueue: "b", JobDefinition: "c", ContainerOverrides: {} }],
      ["codebuild:startBuild.sync", { ProjectName: "a" }],
      ["athena:startQueryExecution.sync", { QueryString: "a", WorkGroup: "b" }],
      ["emr-serverless:startJobRun.sync", { ApplicationId: "a", ExecutionRoleArn: "b", JobDriver: {} }],
      ["elasticmapreduce:createCluster.sync", { Name: "a", Instances: {} }],
      ["eks:runJob.sync", { ClusterName: "a", CertificateAuthority: "b", Endpoint: "c", Job: {} }],
      ["bedrock:invokeModel", { ModelId: "a", Body: {} }],
      [
        "apigateway:invoke",
        { ApiEndpoint: "a.execute-api.eu-central-1.amazonaws.com", Method: "GET", Path: "/a", AuthType: "IAM_ROLE" },
      ],
    ] satisfies (readonly [string, object])[]
  ).map(([call, args]): (typeof RIGHT)[number] => [
    `the integrated ${call}`,
    calling(`arn:aws:states:::${call}`, args),
  ]),
  ["parameters that are the input", calling("arn:aws:states:::aws-sdk:s3:getObject", undefined)],
  ["a request with a body", calling(HTTP, { ...request, RequestBody: {}, Headers: { a: "b" } })],
  [
    "an event whose detail is an object, of a bus",
    calling(EVENTS, { Entries: [{ ...event, Detail: { a: 1 }, EventBusName: "b" }] }),
  ],
  ["a role of a path", calling(L, F, { Credentials: { RoleArn: ROLE.replace("role/", "role/a/b/") } })],
  ...[
    ...["States.Array()", "States.Format('a \\{\\} {}', States.JsonToString($.a))", "States.MathRandom(1, 10, 5)"],
    ...[
      "States.ArrayRange(1, 1000, 1)",
      "States.ArrayPartition(States.Array(1, 2), 2)",
      "States.Base64Encode($$.State.Name)",
    ],
    ...[
      "States.MathAdd($.a, -1)",
      "States.ArrayGetItem($.a, States.MathAdd(States.ArrayLength($.a), -1))",
      "States.Hash($, 'MD5')",
    ],
  ].map((call): (typeof RIGHT)[number] => [`the intrinsic function ${call}`, intrinsic(call)]),
  ["waits that together are shorter than the machine's time", waiting([20, 20, 19], 60)],
  ["a wait in a branch that is short enough", waitingInBranch(59)],
  [
    "a wait that is not on the shortest way",
    () =>
      jm(
        {
          A: J.choice({ Choices: [{ Condition: "{% $states.input.a %}", Next: "B" }], Default: "C" }),
          B: J.wait({ Seconds: 50, Next: "C" }),
          C: J.wait({ Seconds: 50, End: true }),
        },
        { TimeoutSeconds: 60 },
      ),
  ],
  ["names of a group that are texts", output("{% $states.input.a{$string(b): c} %}")],
  [
    "an expression that is not DynamoDB's",
    calling("arn:aws:states:::aws-sdk:scheduler:createSchedule", {
      ...{ Name: "a", ScheduleExpression: "rate(1 day)", FlexibleTimeWindow: { Mode: "OFF" } },
      Target: { Arn: "a", RoleArn: ROLE },
    }),
  ],
  ["a whole character", output({ "😀": "😀" })],
  [
    "the item of a Map in it and in its ItemSelector",
    mapping({ ItemSelector: { "a.$": "$$.Map.Item.Key" } }, { Parameters: { "a.$": "$$.Map.Item.Index" } }),
  ],
  ["text that only looks like an item", intrinsic("States.Format('$$.Map.Item')")],
  ["headers of 10 KiB", reading({ ...CSV, CSVHeaders: ["a".repeat(10_240)] })],
  ...[
    "(function($x)<n:n>{$x})(1)",
    "(function($x)<s?:n>{1})()",
    "(function($x)<a<n>:n>{1})([1])",
    "(function($x)<n:n>{$x})($states.input.a)",
    ...["$states.input.a ~> $f", "1 ~> $f", "$map($states.input.a, $f)", "($f := $uppercase; $f('a'))"].map(
      (call) => `($f := function($x)<n:n>{$x}; ${call})`,
    ),
    "($f := function($x)<n:n>{$x}; $g := function($f){$f('a')}; $g($uppercase))",
    "($f := function($s, $n)<sn:s>{$s}; $states.input.a ~> $f(1))",
    "($f := $trim ~> $uppercase; $f($states.input.a))",
    "$states.input.a ~> $trim ~> $uppercase()",
    "$states.input.a ~> $map(function($x){$x.id}) ~> ($sum)",
  ].map((expression): (typeof RIGHT)[number] => [`the signature of ${expression}`, output(`{% ${expression} %}`)]),
  ...(
    [
      [
        "ecs:runTask.waitForTaskToken",
        {
          TaskDefinition: "t",
          Overrides: {
            ContainerOverrides: [
              { Name: "c", Environment: [{ Name: "T", Value: "{% $states.context.Task.Token %}" }] },
            ],
          },
        },
      ],
      ["sqs:sendMessage", { ...message, MessageAttributes: { a: { DataType: "String", StringValue: "b" } } }],
      ["sqs:sendMessage", { ...message, MessageBody: { a: 1 }, DelaySeconds: "5" }],
      ["sns:publish", { Message: { default: "m" }, TopicArn: TOPIC, MessageStructure: "json" }],
      ["eks:call", { ...cluster, Method: "GET", Path: "/", QueryParameters: {} }],
      ["apigateway:invoke", { ...gateway, AuthType: "IAM_ROLE" }],
      [
        "elasticmapreduce:createCluster.sync",
        { Name: "a", Instances: { InstanceCount: 3 }, Tags: [{ Key: "a", Value: "b" }] },
      ],
      ["aws-sdk:rds:createDBSnapshot", { DbInstanceIdentifier: "a", DbSnapshotIdentifier: "b" }],
      ["aws-sdk:rds:createDBSnapshot", { DBInstanceIdentifier: "a", DBSnapshotIdentifier: "b" }],
      ["aws-sdk:s3:putObject", { ...place, Body: { a: 1 }, SsekmsKeyId: "k" }],
      ["aws-sdk:s3:listObjectsV2", { Bucket: "b", MaxKeys: "{% $states.input.n %}" }],
      ["aws-sdk:dynamodb:batchGetItem", { RequestItems: { tab: { Keys: [{ id: { S: "a" } }] } } }],
      ["aws-sdk:ec2:runInstances", { MinCount: 1, MaxCount: 1, Placement: { NewerThanThis: 1 } }],
      [
        "aws-sdk:ec2:runInstances",
        { MinCount: 1, MaxCount: 1, InstanceType: "m9g.large", Placement: { Tenancy: "default" } },
      ],
      ["aws-sdk:lambda:updateFunctionConfiguration", { ...F, Runtime: "nodejs24.x" }],
      ["aws-sdk:comprehend:detectSentiment", { Text: "a", LanguageCode: "da" }],
      ["aws-sdk:s3:putObject", { ...place, StorageClass: "{% $states.input.c %}", ServerSideEncryption: "aws:kms" }],
      ["events:putEvents", { Entries: [{ ...event, Time: "2026-11-21T12:00:00Z" }] }],
      ["glue:startJobRun.sync", { JobName: "a", WorkerType: "G.16X", ExecutionClass: "FLEX" }],
    ] satisfies (readonly [string, object])[]
  ).map(([call, args]): (typeof RIGHT)[number] => [
    `what ${call} takes: ${JSON.stringify(args)}`,
    calling(`arn:aws:states:::${call}`, args, call.endsWith("Token") ? { TimeoutSeconds: 60 } : {}),
  ]),
  ...["dynamodb", "aws-sdk:dynamodb"].map((service): (typeof RIGHT)[number] => [
    `an error of ${service}`,
    calling(
      `arn:aws:states:::${service}:deleteItem`,
      { TableName: "tab", Key: { id: { S: "a" } } },
      {
        Retry: [
          {
            ErrorEquals: [
              service === "dynamodb" ? "DynamoDB.A" : "DynamoDb.A",
              "Lambda.Unknown",
              "Lambda.SnapStartException",
            ],
          },
        ],
      },
    ),
  ]),
  ["a cause of text", () => pm({ A: P.fail({ ErrorPath: "$.e", CausePath: "States.Format('{}', $.a)" }) })],
  [
    "an error behind that of a timeout",
    retrying(
      { ErrorEquals: ["States.Timeout"] },
      { ErrorEquals: ["Mine"] },
      { ErrorEquals: ["States.TaskFailed"] },
      { ErrorEquals: ["States.ALL"] },
    ),
  ],
  ...[
    "$exists($states.input.a) ? $states.input.a : 5",
    "$states.input.a ? $states.input.a : 5",
    "$match('a ?? b', /a??(?:b)/)",
    "$map($states.input.a, $substring(?, 1))",
  ].map((expression): (typeof RIGHT)[number] => [
    `a condition, or what looks like one: ${expression}`,
    output(`{% ${expression} %}`),
  ]),
  [
    "paths in a list",
    () =>
      pm({
        A: P.pass({
          Parameters: { x: [{ "b.$": "$.a" }, { "c.$": "States.UUID()" }, { "d.$": "$$.State.Name" }] },
          End: true,
        }),
      }),
  ],
  ["a transform", output("{% $states.input ~> |a|{'b': 1}, ['c']| %}")],
  ["text that only looks like a call", output(["States.Nothing()", "States.UUID() is one", "a.$"])],
];

describe("a reviewed machine", () => {
  it.each(WRONG)("is refused: %s", (_, build, message) => {
    expect(build).toThrow(MachineError);
    expect(build).toThrow(message);
  });

  it.each(RIGHT)("is accepted: %s", (_, build) => {
    expect(build).not.toThrow();
  });
});
