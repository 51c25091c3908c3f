/** What is wrong with the parameters of integrated calls that AWS would refuse in every execution. */
import { isRecord, type Fields } from "./values";

interface Call {
  readonly required: readonly string[];
  /** One of them is required. @default none is */
  readonly oneOf?: readonly string[];
  /** @default not checked */
  readonly optional?: readonly string[];
}

const words = (text: string): readonly string[] => text.split(" ");
const DYNAMO = words("ConditionExpression ExpressionAttributeNames ExpressionAttributeValues ReturnValues");
const DYNAMO_REPORTS = words("ReturnConsumedCapacity ReturnItemCollectionMetrics ReturnValuesOnConditionCheckFailure");
const DYNAMO_READ = words(
  "AttributesToGet ConsistentRead ProjectionExpression ExpressionAttributeNames ReturnConsumedCapacity",
);

/** By what follows `:::` in their resource. */
const CALLS: Readonly<Record<string, Call>> = {
  "lambda:invoke": {
    required: ["FunctionName"],
    optional: words("Payload Qualifier ClientContext InvocationType LogType"),
  },
  "sqs:sendMessage": {
    required: ["QueueUrl", "MessageBody"],
    optional: words("DelaySeconds MessageAttributes MessageSystemAttributes MessageGroupId MessageDeduplicationId"),
  },
  "sns:publish": {
    required: ["Message"],
    oneOf: words("TopicArn TargetArn PhoneNumber"),
    optional: words("Subject MessageStructure MessageAttributes MessageGroupId MessageDeduplicationId"),
  },
  "http:invoke": { required: ["ApiEndpoint", "Method"], oneOf: ["Authentication", "InvocationConfig"] },
  "apigateway:invoke": { required: ["ApiEndpoint", "Method"] },
  "ecs:runTask": { required: ["TaskDefinition"] },
  "batch:submitJob": { required: words("JobDefinition JobName JobQueue") },
  "glue:startJobRun": { required: ["JobName"] },
  "codebuild:startBuild": { required: ["ProjectName"] },
  "athena:startQueryExecution": { required: ["QueryString"] },
  "states:startExecution": { required: ["StateMachineArn"], optional: words("Input Name TraceHeader") },
  "events:putEvents": { required: ["Entries"], optional: ["EndpointId"] },
  "dynamodb:getItem": { required: ["TableName", "Key"], optional: DYNAMO_READ },
  "dynamodb:deleteItem": { required: ["TableName", "Key"], optional: [...DYNAMO, ...DYNAMO_REPORTS] },
  "dynamodb:putItem": { required: ["TableName", "Item"], optional: [...DYNAMO, ...DYNAMO_REPORTS] },
  "dynamodb:updateItem": {
    required: ["TableName", "Key"],
    optional: ["UpdateExpression", ...DYNAMO, ...DYNAMO_REPORTS],
  },
};

const MAX_DELAY_SECONDS = 900;

/** @param fields of a task. Parameters as one expression are not known before the execution. */
export function parameterFaults({ Resource, Arguments, Parameters }: Fields): string[] {
  const given = Arguments === undefined ? Parameters : Arguments;
  const [, sdk, call = ""] = /^arn:[^:]*:states:::(aws-sdk:)?(\w[\w-]*:\w+)/.exec(String(Resource)) ?? [];
  if (call === "") return [];
  if (!isRecord(given)) {
    const isUnknown = given === undefined || (typeof given === "string" && !isLiteral(given));
    return isUnknown ? [] : [`has Arguments for ${call} that are no object`];
  }
  const names = Object.keys(given).map((name) => name.replace(/\.\$$/, ""));
  if (sdk !== undefined)
    return names
      .filter((name) => !/^[A-Z]/.test(name))
      .map((name) => `has ${name} for ${call}: parameters begin with a capital`);
  const known = CALLS[call];
  if (known === undefined) return [];
  const { required, oneOf = [], optional } = known;
  const hasOne = oneOf.length === 0 || oneOf.some((name) => names.includes(name));
  return [
    ...required.filter((name) => !names.includes(name)).map((name) => `has no ${name} for ${call}`),
    ...(hasOne ? [] : [`has none of ${oneOf.join(", ")} for ${call}`]),
    ...(optional === undefined ? [] : names)
      .filter((name) => ![...required, ...oneOf, ...(optional ?? [])].includes(name))
      .map((name) => `has ${name} for ${call}, which does not take it`),
    ...valueFaults(call, given),
  ];
}

const HTTP_METHODS = new Set(words("DELETE GET HEAD OPTIONS PATCH POST PUT"));

function valueFaults(call: string, { DelaySeconds, Name, StateMachineArn, Method }: Fields): string[] {
  if (["http:invoke", "apigateway:invoke"].includes(call))
    return !isLiteral(Method) || HTTP_METHODS.has(Method) ? [] : [`has the Method ${Method}`];
  const isDelay =
    typeof DelaySeconds !== "number" ||
    DelaySeconds < -1e200 ||
    (DelaySeconds >= 0 && DelaySeconds <= MAX_DELAY_SECONDS);
  if (call === "sqs:sendMessage")
    return isDelay ? [] : [`has DelaySeconds ${DelaySeconds}: not from 0 to ${MAX_DELAY_SECONDS}`];
  if (call !== "states:startExecution") return [];
  const isName = !isLiteral(Name) || (/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/.test(Name) && !/\p{Cc}/u.test(Name));
  return [
    ...(isName ? [] : ["has a Name that is not 1 to 80 characters without spaces, brackets and wildcards"]),
    ...(!isLiteral(StateMachineArn) || /^arn:[^:]*:states:[^:]*:[^:]*:stateMachine:/.test(StateMachineArn)
      ? []
      : [`has the StateMachineArn ${StateMachineArn}, which is not of a state machine`]),
  ];
}

/** Neither an expression nor text that Terraform replaces. */
const isLiteral = (value: unknown): value is string => typeof value === "string" && !/\$\{|\{%/.test(value);

const ATTRIBUTE = new Set(words("S N B BOOL NULL L M SS NS BS"));

/** Of an item, a key or values of expressions. Those that are expressions as a whole are not known before the execution. */
export function attributeFaults(attributes: unknown): string[] {
  if (!isRecord(attributes)) return [];
  return Object.entries(attributes).flatMap(([name, value]) =>
    name.endsWith(".$") ? [] : attributeFault(name, value),
  );
}

function attributeFault(name: string, value: unknown): string[] {
  if (typeof value === "string" && /^\{%[^]*%\}$|\$\{/.test(value)) return [];
  const [[type, content] = ["", undefined], ...others] = isRecord(value) ? Object.entries(value) : [];
  if (!ATTRIBUTE.has(type.replace(/\.\$$/, "")) || others.length > 0)
    return [`has ${name}, which is not an attribute of DynamoDB with one type`];
  if (type === "N" && typeof content !== "string") return [`has ${name}, a number of DynamoDB that is not text`];
  if (type === "M") return attributeFaults(content);
  return type === "L" && Array.isArray(content) ? content.flatMap((each: unknown) => attributeFault(name, each)) : [];
}
