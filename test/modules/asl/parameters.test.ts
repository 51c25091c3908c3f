/**
 * Machines of an engineer who knows Step Functions well: parameters within parameters, functions that are given to functions, and payloads that
 * asl-validator does not look into. Beside each wrong one are right ones that resemble it. Their fields are not typed.
 */
import { MachineError } from "../../../modules/asl/machine";
import { untypedJsonata as J, untypedJsonpath as P } from "../../support/untyped-asl";

const jm = (States: object) => J.stateMachine({ StartAt: Object.keys(States)[0], States });
const pm = (States: object) => P.stateMachine({ StartAt: Object.keys(States)[0], States });
const ECS = "arn:aws:states:::ecs:runTask";
const EMR = "arn:aws:states:::elasticmapreduce:";
const HTTP = "arn:aws:states:::http:invoke";
const LAMBDA = "arn:aws:states:::lambda:invoke";
const event = { DetailType: "a", Source: "b" };
const MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:m";
const SDK = "arn:aws:states:::aws-sdk:";
const SNS = "arn:aws:states:::sns:publish";
const SQS = "arn:aws:states:::sqs:sendMessage";
const message = { QueueUrl: "https://sqs.eu-central-1.amazonaws.com/000000000000/q", MessageBody: "a" };
const notification = { TopicArn: "arn:aws:sns:eu-central-1:000000000000:t", Message: "a" };
const request = {
  ApiEndpoint: "https://a.example",
  Method: "POST",
  Authentication: { ConnectionArn: "arn:aws:events:eu-central-1:000000000000:connection/c/1" },
};
const step = { Name: "a", ActionOnFailure: "CONTINUE", HadoopJarStep: { Jar: "command-runner.jar", Args: ["a"] } };
const run = { Cluster: "c", TaskDefinition: "t" };
const ALL = ["States.ALL"];
const LONG = "a".repeat(262_200);
const calling =
  (Resource: string, Arguments: unknown, fields: object = {}) =>
  () =>
    jm({ A: J.task({ Resource, Arguments, ...fields, End: true }) });
const pcalling = (Resource: string, Parameters: unknown) => () =>
  pm({ A: P.task({ Resource, Parameters, End: true }) });
const attribute = (value: unknown) => calling(SQS, { ...message, MessageAttributes: { a: value } });
const withValue = (Value: unknown) =>
  calling(ECS, { ...run, Overrides: { ContainerOverrides: [{ Name: "a", Environment: [{ Name: "N", Value }] }] } });
const pinner = () => P.nestedMachine({ StartAt: "In", States: { In: P.pass({ End: true }) } });
const pmapping = (fields: object) => () => pm({ A: P.map({ ItemProcessor: pinner(), End: true, ...fields }) });
const pdistributed = (fields: object) => () =>
  pm({ A: P.distributedMap({ ExecutionType: "STANDARD", ItemProcessor: pinner(), End: true, ...fields }) });
const output = (Output: unknown) => () => jm({ A: J.pass({ Output, End: true }) });
const inner = (name = "In") =>
  J.nestedMachine({ StartAt: name, States: { [name]: J.pass({ Output: "{% $states.input %}", End: true }) } });
const labelled = (name: string, fields: object) =>
  J.distributedMap({ Label: "x", ExecutionType: "EXPRESS", ItemProcessor: inner(name), ...fields });
const mapping = (fields: object) => () => jm({ A: J.map({ ItemProcessor: inner(), End: true, ...fields }) });
const distributed = (fields: object) => () =>
  jm({ A: J.distributedMap({ ExecutionType: "STANDARD", ItemProcessor: inner(), End: true, ...fields }) });
const iterating = (States: object) => () =>
  pm({ A: { Type: "Map", Iterator: { StartAt: Object.keys(States)[0], States }, End: true } });
const path = (value: string) => () => pm({ A: P.pass({ Parameters: { "a.$": value }, End: true }) });
const before = (TimestampLessThan: string) => () =>
  pm({
    A: P.choice({ Choices: [{ Variable: "$.a", TimestampLessThan, Next: "B" }], Default: "B" }),
    B: P.succeed(),
  });

const WRONG: readonly (readonly [wrong: string, build: () => unknown])[] = [
  ["a list for the name of a bucket", calling(`${SDK}s3:getObject`, { Bucket: ["b"], Key: "k" })],
  ["a list for an identifier", calling(`${SDK}rds:startDBInstance`, { DbInstanceIdentifier: ["b"] })],
  ["a name within parameters that is a list", calling(`${SDK}ec2:describeInstances`, { Filters: [{ Name: ["a"] }] })],
  ["a list for one of several values", calling(ECS, { ...run, LaunchType: ["FARGATE"] })],
  ["a list for the subject of a notification", calling(SNS, { ...notification, Subject: ["a"] })],
  ["a list for the group of a message", calling(SQS, { ...message, MessageGroupId: ["a"] })],
  ["a list for a version of a function", calling(LAMBDA, { FunctionName: "f", Qualifier: ["a"] })],
  ["a list for the method of a request", calling(HTTP, { ...request, Method: ["POST"] })],
  [
    "an input of an execution that is plain text",
    calling(`${SDK}sfn:startExecution`, { StateMachineArn: MACHINE, Input: "a" }),
  ],
  [
    "an event whose detail is plain text",
    calling(`${SDK}eventbridge:putEvents`, { Entries: [{ ...event, Detail: "a" }] }),
  ],
  ["a list where a path is", () => pm({ A: P.pass({ Parameters: { a: { "b.$": ["$.x"] } }, End: true }) })],
  ["an object where a path is", () => pm({ A: P.pass({ Parameters: { a: { "b.$": { c: 1 } } }, End: true }) })],
  ...["Parameters", "ItemSelector", "ResultSelector"].flatMap((name) => [
    [`${name} that are a text`, pmapping({ [name]: "a" })] as const,
    [`${name} that are a list`, pmapping({ [name]: ["a"] })] as const,
  ]),
  ["Parameters of a function that are a text", pcalling("arn:aws:lambda:eu-central-1:000000000000:function:f", "a")],
  ["Parameters of a Pass that are a number", () => pm({ A: P.pass({ Parameters: 5, End: true }) })],
  ["an input of batches that is a text", pdistributed({ ItemBatcher: { MaxItemsPerBatch: 1, BatchInput: "a" } })],
  ["an attribute of a message of an unknown type", attribute({ DataType: "Strng", StringValue: "a" })],
  ["an attribute of a message in small letters", attribute({ DataType: "string", StringValue: "a" })],
  ["an attribute of a message without a value", attribute({ DataType: "String" })],
  ["an attribute of a message with an empty value", attribute({ DataType: "String", StringValue: "" })],
  ["an attribute of a message with the value of another type", attribute({ DataType: "String", BinaryValue: "YQ==" })],
  ["an attribute of a message that is no number", attribute({ DataType: "Number", StringValue: "many" })],
  ["an attribute of a message that is a number and no text", attribute({ DataType: "Number", StringValue: 5 })],
  [
    "eleven attributes of a message",
    calling(SQS, {
      ...message,
      MessageAttributes: Object.fromEntries(
        Array.from({ length: 11 }, (_, index) => [`a${index}`, { DataType: "String", StringValue: "a" }]),
      ),
    }),
  ],
  [
    "an attribute of a notification of an unknown type",
    calling(SNS, { ...notification, MessageAttributes: { a: { DataType: "StringArray", StringValue: "[]" } } }),
  ],
  ["a text that is a number", withValue(5)],
  ["a text that is an expression of a number", withValue("{% $count($states.input.a) %}")],
  ["a number that is an expression of a list", calling(ECS, { ...run, Count: "{% [$states.input.n] %}" })],
  [
    "a text that is a Boolean",
    calling(ECS, {
      ...run,
      NetworkConfiguration: { AwsvpcConfiguration: { Subnets: ["a"], AssignPublicIp: true } },
    }),
  ],
  [
    "a value of a map that is a number",
    calling("arn:aws:states:::glue:startJobRun", { JobName: "a", Arguments: { "--n": 5 } }),
  ],
  ["a qualifier that is a number", calling(LAMBDA, { FunctionName: "f", Qualifier: 5 })],
  ["a step without what it does", calling(`${EMR}addStep`, { ClusterId: "j", Step: { Name: "a" } })],
  [
    "a step with an unknown action",
    calling(`${EMR}addStep.sync`, { ClusterId: "j", Step: { ...step, ActionOnFailure: "CONTINU" } }),
  ],
  [
    "a step whose arguments are a text",
    calling(`${EMR}addStep`, { ClusterId: "j", Step: { ...step, HadoopJarStep: { Jar: "a", Args: "b" } } }),
  ],
  [
    "a fleet with a capacity of text",
    calling(`${EMR}modifyInstanceFleetByName`, {
      ...{ ClusterId: "j", InstanceFleetName: "f" },
      InstanceFleet: { TargetOnDemandCapacity: "many" },
    }),
  ],
  [
    "a protection that is neither on nor off",
    calling(`${EMR}setClusterTerminationProtection`, { ClusterId: "j", TerminationProtected: "yes" }),
  ],
  ["an unknown encoding of a request", calling(HTTP, { ...request, Transform: { RequestBodyEncoding: "URL_ENCODE" } })],
  ["a misspelt encoding of a request", calling(HTTP, { ...request, Transform: { BodyEncoding: "URL_ENCODED" } })],
  [
    "an unknown format of lists in a request",
    calling(HTTP, {
      ...request,
      Transform: { RequestBodyEncoding: "URL_ENCODED", RequestEncodingOptions: { ArrayFormat: "COMMA" } },
    }),
  ],
  ["headers that are a list", calling(HTTP, { ...request, Headers: ["a: b"] })],
  ["a $map whose function takes another type", output("{% $map([1, 2], function($n)<s:s>{ $uppercase($n) }) %}")],
  [
    "a $map whose function has a text as its index",
    output("{% $map($states.input.a, function($v, $i)<xs:s>{ $i }) %}"),
  ],
  ["a named function that a $map gives numbers", output("{% ($f := function($s)<s:s>{ $s }; $map([1], $f)) %}")],
  ["a $filter of texts by a function of numbers", output("{% $filter(['a'], function($n)<n:b>{ $n > 1 }) %}")],
  ["a picture of the time that is none", output("{% $now('[Q]') %}")],
  ["a time of 31 February in a condition", before("2026-02-31T00:00:00Z")],
  [
    "an error of Lambda in small letters",
    calling(LAMBDA, { FunctionName: "f" }, { Retry: [{ ErrorEquals: ["lambda.TooManyRequestsException"] }] }),
  ],
  ["a nested machine with a version", mapping({ ItemProcessor: { Version: "1.0", ...inner() } })],
  ["items of more than 256 KiB", mapping({ Items: [LONG] })],
  [
    "an input of batches of more than 256 KiB",
    distributed({ ItemBatcher: { MaxItemsPerBatch: 5, BatchInput: { LONG } } }),
  ],
  [
    "an output of a rule of more than 256 KiB",
    () =>
      jm({
        A: J.choice({ Choices: [{ Condition: "{% $states.input.a %}", Output: LONG, Next: "B" }], Default: "B" }),
        B: J.succeed(),
      }),
  ],
  [
    "an output of a handler of more than 256 KiB",
    () =>
      jm({
        A: J.task({
          ...{ Resource: LAMBDA, Arguments: { FunctionName: "f" }, Next: "B" },
          Catch: [{ ErrorEquals: ALL, Output: LONG, Next: "B" }],
        }),
        B: J.succeed(),
      }),
  ],
  ["a fault in an Iterator, as ItemProcessor was called", iterating({ In: { Type: "Wait", Seconds: -1, End: true } })],
  ["a service by the name of others", calling("arn:aws:states:::aws-sdk:configservice:putConfigRule", {})],
  ["a ResultWriter without fields", distributed({ ResultWriter: {} })],
  [
    "a Label that a map in another map has, too",
    () =>
      jm({
        A: J.map({
          ItemProcessor: J.nestedMachine({ StartAt: "C", States: { C: labelled("One", { End: true }) } }),
          Next: "B",
        }),
        B: labelled("Two", { End: true }),
      }),
  ],
];

const RIGHT: readonly (readonly [right: string, build: () => unknown])[] = [
  [
    "an event whose detail is an object",
    calling(`${SDK}eventbridge:putEvents`, { Entries: [{ ...event, Detail: { a: 1 } }] }),
  ],
  ["an event whose detail is JSON", calling(`${SDK}eventbridge:putEvents`, { Entries: [{ ...event, Detail: "{}" }] })],
  ["a text that is given as an object", calling(`${SDK}sns:publish`, { TopicArn: "t", Message: { a: 1 } })],
  [
    "an identifier of several texts",
    calling(`${SDK}cloudcontrol:getResource`, { TypeName: "a", Identifier: { A: "b" } }),
  ],
  ["a name that is an expression", calling(`${SDK}s3:getObject`, { Bucket: "{% $states.input.b %}", Key: "k" })],
  ["an input that is JSON", calling(`${SDK}sfn:startExecution`, { StateMachineArn: MACHINE, Input: '"a"' })],
  ["an input that is an object", calling(`${SDK}sfn:startExecution`, { StateMachineArn: MACHINE, Input: { a: 1 } })],
  [
    "an input that is an expression",
    calling(`${SDK}sfn:startExecution`, { StateMachineArn: MACHINE, Input: "{% '1' %}" }),
  ],
  ["an input of a path", pcalling(`${SDK}sfn:startExecution`, { StateMachineArn: MACHINE, "Input.$": "$.a" })],
  ["an ItemSelector of paths", pmapping({ ItemSelector: { "a.$": "$$.Map.Item.Value" } })],
  ["an ItemSelector that Terraform knows", pmapping({ ItemSelector: "${var.selector}" })],
  ["an empty ResultSelector", pmapping({ ResultSelector: {} })],
  ["a batch's input of paths", pdistributed({ ItemBatcher: { MaxItemsPerBatch: 1, BatchInput: { "a.$": "$.a" } } })],
  ["an attribute of a message with a type of one's own", attribute({ DataType: "Number.int", StringValue: "-1.5e3" })],
  ["an attribute of a message that is bytes", attribute({ DataType: "Binary.png", BinaryValue: "YQ==" })],
  ["an attribute of a message that is an expression", attribute("{% $states.input.a %}")],
  [
    "an attribute of a message whose type is an expression",
    attribute({ DataType: "{% $states.input.type %}", StringValue: "{% $string($states.input.a) %}" }),
  ],
  [
    "an attribute of a notification that is a list, and one of a path",
    pcalling(SNS, {
      ...notification,
      MessageAttributes: {
        a: { DataType: "String.Array", StringValue: '["a"]' },
        b: { DataType: "String", "StringValue.$": "$.b" },
      },
    }),
  ],
  ["a text that is an expression of a text", withValue("{% $string($states.input.n) %}")],
  ["a text that is not known", withValue("{% $states.input.n %}")],
  [
    "a number that is a text, and one that Terraform knows",
    calling(ECS, { ...run, Count: "2", Group: "${local.group}" }),
  ],
  ["a null that is an expression", calling(ECS, { ...run, PropagateTags: "{% null %}" })],
  [
    "a text that is given as an object",
    calling("arn:aws:states:::aws-sdk:secretsmanager:createSecret", { Name: "a", SecretString: { a: 1 } }),
  ],
  [
    "a step",
    calling(`${EMR}addStep.sync`, { ClusterId: "j", Step: step, ExecutionRoleArn: "arn:aws:iam::000000000000:role/a" }),
  ],
  [
    "a step of paths",
    pcalling(`${EMR}addStep`, {
      "ClusterId.$": "$.id",
      Step: { Name: "a", "ActionOnFailure.$": "$.f", HadoopJarStep: { Jar: "a", "Args.$": "States.Array('a', $.b)" } },
    }),
  ],
  ["a step that is an expression", calling(`${EMR}addStep`, { ClusterId: "j", Step: "{% $states.input.step %}" })],
  ["the end of a cluster of a path", pcalling(`${EMR}terminateCluster.sync`, { "ClusterId.$": "$.id" })],
  [
    "a group that is a path",
    pcalling(`${EMR}modifyInstanceGroupByName`, {
      ...{ ClusterId: "j", "InstanceGroupName.$": "$.name" },
      "InstanceGroup.$": "$.group",
    }),
  ],
  [
    "a fleet",
    calling(`${EMR}modifyInstanceFleetByName`, {
      ...{ ClusterId: "j", InstanceFleetName: "f" },
      InstanceFleet: { TargetOnDemandCapacity: 8, TargetSpotCapacity: 0 },
    }),
  ],
  [
    "an encoded request",
    calling(HTTP, {
      ...{ ...request, Headers: "{% $states.input.headers %}", QueryParameters: { a: ["b", "c"] } },
      Transform: { RequestBodyEncoding: "URL_ENCODED", RequestEncodingOptions: { ArrayFormat: "COMMAS" } },
    }),
  ],
  ...[
    "$map(['a'], function($s)<s:s>{ $uppercase($s) })",
    "$map([1, 'a'], function($v)<(ns):s>{ $string($v) })",
    "$map([[1], [2]], function($v)<a<n>:n>{ $sum($v) })",
    "$map([], function($s)<s:s>{ $s })",
    "$map($states.input.a, function($v, $i)<sn:s>{ $v & $i })",
    "$reduce($states.input.a, function($p, $v, $i)<nnn:n>{ $p + $v }, 0)",
    "$each($states.input.a, function($v, $k)<xs:s>{ $k })",
    "($f := function($x)<n:n>{ $x }; ($f := function($x)<s:s>{ $x }; $map(['a'], $f)))",
    "$now('[Y0001]-[M01]-[D01]') & $now('[H01]', '+0100')",
  ].map((expression): (typeof RIGHT)[number] => [`the expression ${expression}`, output(`{% ${expression} %}`)]),
  ["a time of 29 February in a condition", before("2028-02-29T23:59:59.123-11:00")],
  [
    "the status of a response as an error",
    calling(HTTP, request, { Retry: [{ ErrorEquals: ["States.Http.StatusCode.429"] }] }),
  ],
  ...["Branches", "Default", "Iterator", "Next", "Parameters", "ResultWriter", "StartAt", "States"].flatMap(
    (name): (typeof RIGHT)[number][] => [
      [
        `a state with the name ${name}`,
        () =>
          jm({
            A: J.choice({ Choices: [{ Condition: "{% $states.input.a %}", Next: name }], Default: "B" }),
            [name]: J.pass({ Next: "A" }),
            B: J.succeed(),
          }),
      ],
      [
        `data with the name ${name}`,
        calling(LAMBDA, { FunctionName: "f", Payload: { [name]: { a: null }, b: [{ [name]: "c" }] } }),
      ],
      [`a result with the name ${name}`, () => pm({ A: P.pass({ Result: { a: { [name]: null } }, End: true }) })],
    ],
  ),
  ...[calling, pcalling].map((call): (typeof RIGHT)[number] => [
    `paths of events in ${call.name}`,
    call("arn:aws:states:::aws-sdk:eventbridge:putTargets", {
      Rule: "a",
      Targets: [
        { Id: "a", Arn: "b", InputPath: "$.detail" },
        { Id: "c", Arn: "d", InputTransformer: { InputPathsMap: { a: "$.detail.a" }, InputTemplate: "<a>" } },
      ],
    }),
  ]),
  [
    "data with the names of paths",
    pcalling(LAMBDA, {
      FunctionName: "f",
      Payload: { HomePath: "$HOME", ResultPath: "out/", ErrorPath: "5", Variable: "$b" },
    }),
  ],
  [
    "a task token in an Iterator",
    iterating({
      In: {
        ...{ Type: "Task", Resource: `${SQS}.waitForTaskToken`, TimeoutSeconds: 60, End: true },
        Parameters: { ...message, "MessageBody.$": "$$.Task.Token", MessageBody: undefined },
      },
    }),
  ],
  ["a resource that Terraform knows", calling("${aws_lambda_function.work.arn}", { a: 1 })],
  ["a partition that Terraform knows", calling("arn:${local.partition}:states:::lambda:invoke", { FunctionName: "f" })],
  ["a service that is no Service", calling("arn:aws:states:::aws-sdk:config:describeConfigRules", {})],
  ["expressions without spaces", output({ a: "{%$states.input%}", b: "{% $states.input%}" })],
  ["a path with a point before a position", path("States.StringToJson($.[0].body)")],
  ["a filter that compares with the input", path("$.approaches[?(@.workerId == $.agent.id)].approach")],
  [
    "a ResultWriter that only formats",
    distributed({ ResultWriter: { WriterConfig: { Transformation: "FLATTEN", OutputType: "JSON" } } }),
  ],
];

describe("a machine with parameters within parameters", () => {
  it.each(WRONG)("is refused: %s", (_, build) => {
    expect(build).toThrow(MachineError);
  });

  it.each(RIGHT)("is accepted: %s", (_, build) => {
    expect(build).not.toThrow();
  });
});
