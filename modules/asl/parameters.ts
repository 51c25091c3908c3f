/** What is wrong with the parameters of integrated calls that AWS would refuse in every execution. */
import { resultOf } from "./expressions";
import { isRecord, type Fields } from "./values";

interface Call {
  readonly required: readonly string[];
  /** One of them is required. @default none is */
  readonly oneOf?: readonly string[];
  /** @default not checked */
  readonly optional?: readonly string[];
}

/** A text that is an expression as a whole. */
const WHOLE_EXPRESSION = /^\{%([^]*)%\}$/;

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
  const isEmpty = (name: string) => !names.includes(name) || given[name] === "";
  const hasOne = oneOf.length === 0 || oneOf.some((name) => !isEmpty(name));
  return [
    ...required.filter(isEmpty).map((name) => `has no ${name} for ${call}`),
    ...(hasOne ? [] : [`has none of ${oneOf.join(", ")} for ${call}`]),
    ...(optional === undefined ? [] : names)
      .filter((name) => ![...required, ...oneOf, ...(optional ?? [])].includes(name))
      .map((name) => `has ${name} for ${call}, which does not take it`),
    ...TEXTS.filter((name) => !isTextual(given[name])).map((name) => `has a ${name} for ${call} that is no text`),
    ...valueFaults(call, given),
  ];
}

/** Names, URLs and ARNs. */
const TEXTS = words(
  "FunctionName QueueUrl TopicArn TableName StateMachineArn ApiEndpoint JobName JobQueue ProjectName",
);

function isTextual(value: unknown): boolean {
  const [, expression] = WHOLE_EXPRESSION.exec(String(value)) ?? [];
  if (expression !== undefined) return ["s", "?"].includes(resultOf(expression).type);
  return value === undefined || typeof value === "string";
}

const HTTP_METHODS = new Set(words("DELETE GET HEAD OPTIONS PATCH POST PUT"));

const INVOCATION_TYPES = new Set(words("DryRun Event RequestResponse"));
const MAX_EVENTS = 10;

function valueFaults(call: string, given: Fields): string[] {
  const { DelaySeconds, Name, StateMachineArn, Method, InvocationType, Entries, ApiEndpoint } = given;
  if (call === "lambda:invoke")
    return !isLiteral(InvocationType) || INVOCATION_TYPES.has(InvocationType)
      ? []
      : [`has the InvocationType ${InvocationType}`];
  if (call === "sns:publish")
    return words("TopicArn TargetArn PhoneNumber").filter((name) => given[name] !== undefined).length > 1
      ? ["has more than one destination for sns:publish"]
      : [];
  if (call === "events:putEvents") return Array.isArray(Entries) ? entryFaults(Entries) : [];
  if (["http:invoke", "apigateway:invoke"].includes(call))
    return [
      ...(!isLiteral(Method) || HTTP_METHODS.has(Method) ? [] : [`has the Method ${Method}`]),
      ...(call === "http:invoke" && isLiteral(ApiEndpoint) && !ApiEndpoint.startsWith("https://")
        ? [`has the ApiEndpoint ${ApiEndpoint}, which is not https`]
        : []),
    ];
  const [, expression] = WHOLE_EXPRESSION.exec(String(DelaySeconds)) ?? [];
  const delay = expression === undefined ? DelaySeconds : resultOf(expression).value;
  const isDelay =
    typeof delay !== "number" ||
    delay < -1e200 ||
    (Number.isInteger(delay) && delay >= 0 && delay <= MAX_DELAY_SECONDS);
  if (call === "sqs:sendMessage")
    return isDelay ? [] : [`has DelaySeconds ${delay}: not a whole number from 0 to ${MAX_DELAY_SECONDS}`];
  if (call !== "states:startExecution") return [];
  const isName = !isLiteral(Name) || (/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/]{1,80}$/.test(Name) && !/\p{Cc}/u.test(Name));
  return [
    ...(isName ? [] : ["has a Name that is not 1 to 80 characters without spaces, brackets and wildcards"]),
    ...(!isLiteral(StateMachineArn) || /^arn:[^:]*:states:[^:]*:[^:]*:stateMachine:/.test(StateMachineArn)
      ? []
      : [`has the StateMachineArn ${StateMachineArn}, which is not of a state machine`]),
  ];
}

function entryFaults(entries: readonly unknown[]): string[] {
  const needed = words("Detail DetailType Source");
  return [
    ...(entries.length === 0 || entries.length > MAX_EVENTS
      ? [`has ${entries.length} Entries for events:putEvents: not from 1 to ${MAX_EVENTS}`]
      : []),
    ...entries
      .filter((entry) => isRecord(entry) && !isRecord(entry["Detail"]) && !isTextual(entry["Detail"]))
      .map(() => "has an entry whose Detail is neither an object nor text for events:putEvents"),
    ...entries
      .filter(isRecord)
      .flatMap((entry) => needed.filter((name) => entry[name] === undefined && entry[`${name}.$`] === undefined))
      .map((name) => `has an entry without ${name} for events:putEvents`),
  ];
}

/** Neither an expression nor text that Terraform replaces. */
const isLiteral = (value: unknown): value is string => typeof value === "string" && !/\$\{|\{%/.test(value);

/** Each type of an attribute: what it holds literally, and the letter of an expression's type. */
const ATTRIBUTE: Readonly<Record<string, readonly [type: string, isContent: (content: unknown) => boolean]>> = {
  S: ["s", isText],
  N: ["s", isText],
  B: ["s", isText],
  BOOL: ["b", (content) => typeof content === "boolean"],
  NULL: ["b", (content) => content === true],
  L: ["a", Array.isArray],
  M: ["o", isRecord],
  SS: ["a", isSet],
  NS: ["a", isSet],
  BS: ["a", isSet],
};

function isText(content: unknown): boolean {
  return typeof content === "string";
}

function isSet(content: unknown): boolean {
  return (
    Array.isArray(content) && content.length > 0 && content.every(isText) && new Set(content).size === content.length
  );
}

/** Of an item, a key or values of expressions. Those that are expressions as a whole are not known before the execution. */
export function attributeFaults(attributes: unknown): string[] {
  if (!isRecord(attributes)) return [];
  return Object.entries(attributes).flatMap(([name, value]) =>
    name.endsWith(".$") ? [] : attributeFault(name, value),
  );
}

/** An attribute of a key is a text, a number or bytes, and not empty. */
export function keyFaults(key: unknown): string[] {
  if (!isRecord(key)) return [];
  if (Object.keys(key).length === 0) return ["has a Key without attributes"];
  return Object.entries(key).flatMap(([name, value]) => {
    const [[type, content] = ["S", ""]] = isRecord(value) ? Object.entries(value) : [["S", "?"]];
    return /^[SNB](\.\$)?$/.test(type) && content !== "" ? [] : [`has ${name}, which cannot be of a Key`];
  });
}

function attributeFault(name: string, value: unknown): string[] {
  if (typeof value === "string" && (WHOLE_EXPRESSION.test(value) || value.includes("${"))) return [];
  const [[typeName, content] = ["", undefined], ...others] = isRecord(value) ? Object.entries(value) : [];
  const [type, isContent] = ATTRIBUTE[typeName.replace(/\.\$$/, "")] ?? [];
  if (type === undefined || isContent === undefined || others.length > 0)
    return [`has ${name}, which is not an attribute of DynamoDB with one type`];
  if (typeName.endsWith(".$")) return [];
  const [, expression] = typeof content === "string" ? (WHOLE_EXPRESSION.exec(content) ?? []) : [];
  const given = expression === undefined ? undefined : resultOf(expression).type;
  const isRight = given === undefined ? isContent(content) || isInterpolated(content) : given === "?" || given === type;
  if (!isRight) return [`has ${name}, whose ${typeName} is of another type or empty`];
  if (typeName === "M") return attributeFaults(content);
  return Array.isArray(content) && typeName === "L"
    ? content.flatMap((each: unknown) => attributeFault(name, each))
    : [];
}

const isInterpolated = (content: unknown): boolean => typeof content === "string" && content.includes("${");
