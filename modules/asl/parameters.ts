/** What is wrong with the parameters of integrated calls that AWS would refuse in every execution. */
import * as z from "zod";
import { resultOf, useOf } from "./expressions";
import { sdkFaults, sdkResultFaults } from "./sdk-calls";
import { EXPRESSION, inRange, isJson, isLiteral, isRecord, recordsOf, type Fields } from "./values";

interface Call {
  readonly required: readonly string[];
  /** One of them is required. @default none is */
  readonly oneOf?: readonly string[];
  readonly optional: readonly string[];
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
  "http:invoke": {
    required: ["ApiEndpoint", "Method"],
    oneOf: ["Authentication", "InvocationConfig"],
    optional: words("Headers QueryParameters RequestBody Transform"),
  },
  "apigateway:invoke": {
    required: ["ApiEndpoint", "Method"],
    optional: words("AllowNullValues AuthType Headers Path QueryParameters RequestBody Stage"),
  },
  "bedrock:invokeModel": {
    required: ["ModelId"],
    optional: words(
      "Accept Body ContentType GuardrailIdentifier GuardrailVersion Input Output PerformanceConfigLatency ServiceTier Trace",
    ),
  },
  "eks:call": {
    required: words("CertificateAuthority ClusterName Endpoint Method Path"),
    optional: words("QueryParameters RequestBody"),
  },
  "eks:runJob": {
    required: words("CertificateAuthority ClusterName Endpoint Job"),
    optional: words("LogOptions Namespace"),
  },
  "elasticmapreduce:addStep": { required: ["ClusterId", "Step"], optional: ["ExecutionRoleArn"] },
  "elasticmapreduce:cancelStep": { required: ["ClusterId", "StepId"], optional: [] },
  "elasticmapreduce:modifyInstanceFleetByName": {
    required: words("ClusterId InstanceFleetName InstanceFleet"),
    optional: [],
  },
  "elasticmapreduce:modifyInstanceGroupByName": {
    required: words("ClusterId InstanceGroupName InstanceGroup"),
    optional: [],
  },
  "elasticmapreduce:setClusterTerminationProtection": {
    required: ["ClusterId", "TerminationProtected"],
    optional: [],
  },
  "elasticmapreduce:terminateCluster": { required: ["ClusterId"], optional: [] },
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

/** Integrated services whose parameters are those of the SDK, and whether all of them are: others are listed above. */
const IN_SDK: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    words("athena batch bedrock codebuild databrew dynamodb ecs eks glue lambda mediaconvert sagemaker sns sqs").map(
      (name) => [name, name],
    ),
  ),
  "emr-containers": "emrcontainers",
  "emr-serverless": "emrserverless",
  events: "eventbridge",
  states: "sfn",
};

/** A call that the SDK has by another name, with the SDK's parameters. */
const RENAMED: Readonly<Record<string, readonly [action: string, parameters: (given: Fields) => Fields]>> = {
  addStep: [
    "addJobFlowSteps",
    ({ ClusterId, Step, ...others }) => ({ JobFlowId: ClusterId, Steps: [Step], ...others }),
  ],
  cancelStep: ["cancelSteps", ({ ClusterId, StepId }) => ({ ClusterId, StepIds: [StepId] })],
  createCluster: ["runJobFlow", (given) => given],
  modifyInstanceFleetByName: [
    "modifyInstanceFleet",
    ({ ClusterId, InstanceFleetName, InstanceFleet }) => ({
      ClusterId,
      InstanceFleet: isRecord(InstanceFleet) ? { ...InstanceFleet, InstanceFleetId: InstanceFleetName } : InstanceFleet,
    }),
  ],
  modifyInstanceGroupByName: [
    "modifyInstanceGroups",
    ({ ClusterId, InstanceGroupName, InstanceGroup }) => ({
      ClusterId,
      InstanceGroups: [
        isRecord(InstanceGroup) ? { ...InstanceGroup, InstanceGroupId: InstanceGroupName } : InstanceGroup,
      ],
    }),
  ],
  setClusterTerminationProtection: [
    "setTerminationProtection",
    ({ ClusterId, TerminationProtected }) => ({ JobFlowIds: [ClusterId], TerminationProtected }),
  ],
  terminateCluster: ["terminateJobFlows", ({ ClusterId }) => ({ JobFlowIds: [ClusterId] })],
};

/** What is not known before the execution. */
const UNKNOWN = "${}";

/** Without the paths of JSONPath. */
function withoutPaths(given: Fields): Fields {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => (name.endsWith(".$") ? [name.slice(0, -2), UNKNOWN] : [name, value])),
  );
}

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
  const [service = "", action = ""] = call.split(":");
  if (sdk !== undefined) {
    const small = names.filter((name) => !/^[A-Z]/.test(name));
    return small.length > 0
      ? small.map((name) => `has ${name} for ${call}: parameters begin with a capital`)
      : [...sdkFaults(service, action, given), ...jsonFaults(call, given)];
  }
  const known = CALLS[call];
  const [renamed, parameters] = (service === "elasticmapreduce" ? RENAMED[action] : undefined) ?? [];
  const ofSdk = (isIntegrated: boolean): string[] => {
    if (renamed !== undefined && parameters !== undefined)
      return sdkFaults("emr", renamed, parameters(withoutPaths(given)), isIntegrated);
    const sdkService = IN_SDK[service];
    return sdkService === undefined ? [] : sdkFaults(sdkService, action, given, isIntegrated);
  };
  if (known === undefined) return ofSdk(true);
  const { required, oneOf = [], optional } = known;
  const isEmpty = (name: string) => !names.includes(name) || given[name] === "";
  const hasOne = oneOf.length === 0 || oneOf.some((name) => !isEmpty(name));
  const faults = [
    ...required.filter(isEmpty).map((name) => `has no ${name} for ${call}`),
    ...(hasOne ? [] : [`has none of ${oneOf.join(", ")} for ${call}`]),
    ...names
      .filter((name) => ![...required, ...oneOf, ...optional].includes(name))
      .map((name) => `has ${name} for ${call}, which does not take it`),
    ...TEXTS.filter((name) => !isTextual(given[name])).map((name) => `has a ${name} for ${call} that is no text`),
    ...valueFaults(call, given),
    ...jsonFaults(call, given),
  ];
  return faults.length > 0 ? faults : ofSdk(false);
}

/** Of a task that waits for its call only: what a job or a token's holder returns is not the call's result. */
export function resultFieldFaults({ Resource, Output, Assign, ResultSelector }: Fields): string[] {
  const [, sdk, service = "", action = ""] =
    /^arn:[^:]*:states:::(aws-sdk:)?([\w-]+):(\w+)$/.exec(String(Resource)) ?? [];
  const name = sdk === undefined ? IN_SDK[service] : service;
  return name === undefined
    ? []
    : sdkResultFaults(name, action, new Set([Output, Assign, ResultSelector].flatMap(fieldsRead)));
}

/** In JSONata `$states.result.Payload`, in a ResultSelector `$.Payload`. */
function fieldsRead(value: unknown): readonly string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(fieldsRead);
  if (typeof value !== "string") return [];
  const [, expression] = EXPRESSION.exec(value) ?? [];
  if (expression !== undefined) return [...useOf(expression).resultFields];
  const [, field] = /^\$\.(\w+)/.exec(value) ?? [];
  return field === undefined ? [] : [field];
}

/** Texts that are JSON, as the SDK sends them. */
function jsonFaults(call: string, { Input: given, Entries }: Fields): string[] {
  const isStart = /^(sfn|states):start(Sync)?Execution$/.test(call);
  const Input = constantOf(given);
  const details = call === "eventbridge:putEvents" ? recordsOf(Entries).map(({ Detail }) => Detail) : [];
  return [
    ...(isStart && isLiteral(Input) && !isJson(Input) ? [`has an Input for ${call} that is not JSON`] : []),
    ...details
      .filter((detail) => isLiteral(detail) && !isObjectText(detail))
      .map(() => `has an entry whose Detail is text, but not that of an object for ${call}`),
  ];
}

/** Names, URLs and ARNs. */
const TEXTS = words(
  "FunctionName QueueUrl TopicArn TableName StateMachineArn ApiEndpoint JobName JobQueue ProjectName",
);

function isTextual(value: unknown): boolean {
  const [, expression] = EXPRESSION.exec(String(value)) ?? [];
  if (expression !== undefined) return ["s", "?"].includes(resultOf(expression).type);
  return value === undefined || typeof value === "string";
}

const METHOD = /^(DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$/;

const FIFO = { MessageDeduplicationId: /^[!-~]{1,128}$/, MessageGroupId: /^[!-~]{1,128}$/ };

/** What the texts of a call look like, where they are literal. */
const PATTERNS: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  "apigateway:invoke": {
    ApiEndpoint: /^[^/:\s]+$/,
    AuthType: /^(IAM_ROLE|NO_AUTH|RESOURCE_POLICY)$/,
    Method: METHOD,
  },
  "eks:call": { Method: METHOD },
  "http:invoke": { Method: METHOD, ApiEndpoint: /^https:\/\/[^/]/ },
  "lambda:invoke": {
    FunctionName: /^(arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:|\d{12}:function:|\d{12}:)?[\w-]{1,140}(:[\w$-]+)?$/,
    InvocationType: /^(DryRun|Event|RequestResponse)$/,
    LogType: /^(None|Tail)$/,
  },
  "sns:publish": {
    ...FIFO,
    MessageStructure: /^json$/,
    PhoneNumber: /^\+?[\d\s().-]{1,20}$/,
    Subject: /^.{1,100}$/,
    TargetArn: /^arn:aws[\w-]*:sns:/,
    TopicArn: /^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/,
  },
  "sqs:sendMessage": { ...FIFO, QueueUrl: /^https?:\/\/[^/]/ },
  "states:startExecution": {
    StateMachineArn: /^arn:[^:]*:states:[^:]*:[^:]*:stateMachine:/,
    Name: /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u,
  },
};

/** Parameters that are objects, and their fields where others are refused. The SDK knows them of other calls. */
const OBJECTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "apigateway:invoke": { Headers: "", QueryParameters: "" },
  "http:invoke": {
    Authentication: "ConnectionArn",
    Headers: "",
    InvocationConfig: "ConnectionArn",
    QueryParameters: "",
    Transform: "RequestBodyEncoding RequestEncodingOptions",
    "Transform.RequestEncodingOptions": "ArrayFormat",
  },
};

/** What their texts can be. */
const OBJECT_VALUES: Readonly<Record<string, readonly string[]>> = {
  RequestBodyEncoding: ["NONE", "URL_ENCODED"],
  ArrayFormat: ["BRACKETS", "COMMAS", "INDICES", "NONE", "REPEAT"],
};

function objectFaults(call: string, given: Fields): string[] {
  return Object.entries(OBJECTS[call] ?? {}).flatMap(([path, fields]) => {
    const value = path
      .split(".")
      .reduce<unknown>((object, name) => (isRecord(object) ? object[name] : undefined), given);
    if (value === undefined || (typeof value === "string" && !isLiteral(value))) return [];
    if (!isRecord(value)) return [`has ${path} for ${call} that is no object`];
    return Object.entries(value).flatMap(([name, text]) => {
      const values = OBJECT_VALUES[name];
      if (fields !== "" && !fields.split(" ").includes(name.replace(/\.\$$/, "")))
        return [`has ${path} with ${name} for ${call}, which does not take it`];
      return fields === "" || values === undefined || !isLiteral(text) || values.includes(text)
        ? []
        : [`has ${path} with ${name} ${text} for ${call}: ${values.join(", ")}`];
    });
  });
}

const MAX_ATTRIBUTES = 10;

/** Of SNS and SQS: the SDK knows their fields, and not that a type decides which of them has the value. */
function messageAttributeFaults(attributes: Fields): string[] {
  const count = Object.keys(attributes).length;
  return [
    ...(count > MAX_ATTRIBUTES ? [`has ${count} MessageAttributes: not from 0 to ${MAX_ATTRIBUTES}`] : []),
    ...Object.entries(attributes).flatMap(([name, attribute]) => {
      const { DataType, StringValue } = isRecord(attribute) ? attribute : {};
      if (!isRecord(attribute) || !isLiteral(DataType)) return [];
      const [, type] = /^(String|Number|Binary)(\..+)?$/.exec(DataType) ?? [];
      if (type === undefined) return [`has the MessageAttribute ${name} of type ${DataType}: String, Number, Binary`];
      const field = type === "Binary" ? "BinaryValue" : "StringValue";
      const isNumber = type !== "Number" || !isLiteral(StringValue) || /^-?[\d.]+(e[+-]?\d+)?$/i.test(StringValue);
      return [
        ...((attribute[field] ?? attribute[`${field}.$`] ?? "") !== ""
          ? []
          : [`has the MessageAttribute ${name} of type ${DataType} without ${field}`]),
        ...(isNumber ? [] : [`has the MessageAttribute ${name} of type ${DataType}, which is no number`]),
      ];
    }),
  ];
}
const TABLE = /^([\w.-]{1,255}|arn:aws[\w-]*:dynamodb:[\w-]+:\d{12}:table\/[\w.-]{1,255})$/;
const MAX_EVENTS = 10;

function valueFaults(call: string, given: Fields): string[] {
  const { DelaySeconds, QueueUrl, TopicArn, MessageGroupId, Authentication, Entries, Message, MessageStructure } =
    given;
  const patterns = { ...PATTERNS[call], TableName: TABLE };
  const texts = Object.entries(patterns).flatMap(([name, pattern]) => {
    const value = constantOf(given[name]);
    if (typeof value === "object" && value !== null) return [`has a ${name} for ${call} that is no text`];
    return !isLiteral(value) || pattern.test(value) ? [] : [`has ${name} ${value} for ${call}, which is none`];
  });
  texts.push(...objectFaults(call, given), ...recordsOf([given["MessageAttributes"]]).flatMap(messageAttributeFaults));
  const isFifo = [QueueUrl, TopicArn].some((each) => isLiteral(each) && each.endsWith(".fifo"));
  const hasGroup = (MessageGroupId ?? given["MessageGroupId.$"]) !== undefined;
  if (isFifo && !hasGroup) texts.push(`has no MessageGroupId for ${call} with FIFO order`);
  switch (call) {
    case "sns:publish":
      if (MessageStructure === "json" && isLiteral(Message) && !isObjectText(Message))
        texts.push("has a Message for sns:publish that is not the text of an object, as its MessageStructure is");
      return words("TopicArn TargetArn PhoneNumber").filter((name) => given[name] !== undefined).length > 1
        ? [...texts, "has more than one destination for sns:publish"]
        : texts;
    case "events:putEvents":
      return isRecord(Entries) || isLiteral(Entries)
        ? ["has Entries for events:putEvents that are no list"]
        : entryFaults(Array.isArray(Entries) ? Entries : [undefined]);
    case "http:invoke":
      return [...texts, ...connectionFaults(Authentication)];
    case "lambda:invoke":
      return [...texts, ...qualifierFaults(given)];
    case "sqs:sendMessage":
      return [
        ...texts,
        ...inRange("DelaySeconds", constantOf(DelaySeconds), 0, MAX_DELAY_SECONDS),
        ...(isFifo && DelaySeconds !== undefined ? ["has DelaySeconds for a FIFO queue, which has its own"] : []),
      ];
    default:
      return texts;
  }
}

/** A name that has a version or an alias has no other one. */
function qualifierFaults({ FunctionName, Qualifier }: Fields): string[] {
  const [, named] = isLiteral(FunctionName) ? (/:function:[\w-]+:([\w$-]+)$/.exec(FunctionName) ?? []) : [];
  return named === undefined || !isLiteral(Qualifier) || Qualifier === named
    ? []
    : [`has the Qualifier ${Qualifier} for a FunctionName of ${named}`];
}

/** Of an expression with one result, that; else the value. */
function constantOf(value: unknown): unknown {
  const [, expression] = EXPRESSION.exec(String(value)) ?? [];
  return expression === undefined ? value : resultOf(expression).value;
}

function connectionFaults(authentication: unknown): string[] {
  if (authentication === undefined || (typeof authentication === "string" && !isLiteral(authentication))) return [];
  const connection = isRecord(authentication) ? authentication["ConnectionArn"] : undefined;
  const isPath = isRecord(authentication) && "ConnectionArn.$" in authentication;
  const isArn = typeof connection === "string" && (!isLiteral(connection) || CONNECTION.test(connection));
  return isArn || isPath ? [] : ["has Authentication for http:invoke without the ConnectionArn of a connection"];
}

const CONNECTION = /^arn:[^:]*:events:[^:]*:\d{12}:connection\//;

const ENTRY = new Set(words("Detail DetailType EventBusName Resources Source Time TraceHeader"));

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
      .filter((entry) => isRecord(entry) && isLiteral(entry["Detail"]) && !isObjectText(entry["Detail"]))
      .map(() => "has an entry whose Detail is text, but not that of an object for events:putEvents"),
    ...entries
      .filter((entry) => isRecord(entry) && isLiteral(entry["Source"]) && entry["Source"].startsWith("aws."))
      .map(() => "has an entry whose Source begins with aws., which is AWS' own"),
    ...entries
      .filter(isRecord)
      .flatMap((entry) => Object.keys(entry).filter((name) => !ENTRY.has(name.replace(/\.\$$/, ""))))
      .map((name) => `has an entry with ${name} for events:putEvents, which does not take it`),
    ...entries
      .filter(isRecord)
      .flatMap((entry) => needed.filter((name) => entry[name] === undefined && entry[`${name}.$`] === undefined))
      .map((name) => `has an entry without ${name} for events:putEvents`),
  ];
}

const isObjectText = (text: string): boolean => isJson(text) && isRecord(JSON.parse(text));

/** Each type of an attribute: what it holds literally, and the letter of an expression's type. */
const ATTRIBUTE: Readonly<Record<string, readonly [type: string, isContent: (content: unknown) => boolean]>> = {
  S: ["s", isText],
  N: ["s", isText],
  B: ["s", isBytes],
  BOOL: ["b", (content) => typeof content === "boolean"],
  NULL: ["b", (content) => content === true],
  L: ["a", Array.isArray],
  M: ["o", isRecord],
  SS: ["a", isSet],
  NS: ["a", isSet],
  BS: ["a", (content) => isSet(content) && Array.isArray(content) && content.every(isBytes)],
};

function isText(content: unknown): boolean {
  return typeof content === "string";
}

/** In Base64. */
function isBytes(content: unknown): boolean {
  return typeof content === "string" && (!isLiteral(content) || z.base64().safeParse(content).success);
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
  if (typeof value === "string" && (EXPRESSION.test(value) || value.includes("${"))) return [];
  const [[typeName, content] = ["", undefined], ...others] = isRecord(value) ? Object.entries(value) : [];
  const [type, isContent] = ATTRIBUTE[typeName.replace(/\.\$$/, "")] ?? [];
  if (type === undefined || isContent === undefined || others.length > 0)
    return [`has ${name}, which is not an attribute of DynamoDB with one type`];
  if (typeName.endsWith(".$")) return [];
  const [, expression] = typeof content === "string" ? (EXPRESSION.exec(content) ?? []) : [];
  const given = expression === undefined ? undefined : resultOf(expression).type;
  const isRight = given === undefined ? isContent(content) || isInterpolated(content) : given === "?" || given === type;
  if (!isRight) return [`has ${name}, whose ${typeName} is of another type or empty`];
  if (typeName === "M") return attributeFaults(content);
  return Array.isArray(content) && typeName === "L"
    ? content.flatMap((each: unknown) => attributeFault(name, each))
    : [];
}

const isInterpolated = (content: unknown): boolean => typeof content === "string" && content.includes("${");
