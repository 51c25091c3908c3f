/** What Step Functions would refuse when it creates or runs a machine, and the compiler cannot see. */
import { nearest } from "../constructs/nearest";
import { placeFaults } from "../constructs/regions";
import { dynamoFaults } from "./dynamodb";
import { resultOf, useOf, type StatesProperty } from "./expressions";
import { isIntrinsic, isTimestamp, jsonPathFaults, jsonPathVariables, usesItem } from "./jsonpath";
import { nestedIn, statesIn, type Machine, type State } from "./machine";
import { mapFaults } from "./maps";
import { objectFaults } from "./object-fields";
import { parameterFaults, resultFieldFaults } from "./parameters";
import { callFaults, expressFaults } from "./service-calls";
import { EXPRESSION, inRange, isLiteral, isNameOfPaths, isRecord, isToken, recordsOf, type Fields } from "./values";

const MAX_SECONDS = 99_999_999;
const STATES_ERRORS = new Set(
  (
    "ALL BranchFailed DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout Http.Socket IntrinsicFailure " +
    "ItemReaderFailed NoChoiceMatched ParameterPathFailure Permissions QueryEvaluationError ResultPathMatchFailure " +
    "ResultWriterFailed Runtime TaskFailed Timeout"
  )
    .split(" ")
    .map((name) => `States.${name}`),
);

/** Also that of a response: `States.Http.StatusCode.429`. */
const isOfStates = (name: string): boolean => STATES_ERRORS.has(name) || /^States\.Http\.StatusCode\.\d{3}$/.test(name);

/** The prefix is reserved. In other letters, it may be of a function's own error. */
const isLikeOfStates = (name: string): boolean =>
  name.startsWith("States.") || (/^states\./i.test(name) && nearest(name, [...STATES_ERRORS]) !== undefined);

/** Faults of each state's fields. */
export function fieldFaults(machine: Machine): string[] {
  const { Version = "1.0", TimeoutSeconds }: Fields = { ...machine };
  const labels = statesIn(machine).flatMap(([, state]) => {
    const { Label }: Fields = { ...state };
    return typeof Label === "string" ? [Label] : [];
  });
  return [
    ...(Version === "1.0" ? [] : ["the Version of the language is 1.0"]),
    ...(new Set(labels).size === labels.length ? [] : ["two distributed maps have the same Label"]),
    ...inRange("TimeoutSeconds", TimeoutSeconds, 1, MAX_SECONDS),
    ...Object.entries(machine.States).flatMap(([name, state]) => {
      const written: string = state.QueryLanguage ?? machine.QueryLanguage ?? "JSONPath";
      const language = written === "JSONata" ? "JSONata" : "JSONPath";
      if (written !== language || (language === "JSONPath" && machine.QueryLanguage === "JSONata"))
        return [`${name} is in ${written}`];
      const faults = [
        ...stateFaults(state),
        ...foreignFaults(state, language),
        ...(language === "JSONPath" ? jsonPathFaults(state) : resultFaults(state)),
      ];
      return faults.map((fault) => `${name} ${fault}`);
    }),
  ];
}

/** Fields of the other query language, which asl-validator takes. */
const FOREIGN = {
  JSONata: new Set(["Result"]),
  JSONPath: new Set(["Output", "Arguments", "Items", "Condition"]),
} as const;

function foreignFaults(state: State, language: keyof typeof FOREIGN): string[] {
  const transitions = state.Type === "Choice" ? Object.keys(state).filter((name) => /^(Next|End)$/.test(name)) : [];
  return [
    ...Object.keys(state)
      .filter((name) => FOREIGN[language].has(name))
      .map((name) => `has ${name}, which ${language} does not have`),
    ...transitions.map((name) => `has ${name}, which a Choice does not have`),
    ...objectFaults(state, language),
  ];
}

function stateFaults(state: State): string[] {
  const fields: Fields = withConstants(state);
  return [
    ...inRange("TimeoutSeconds", fields["TimeoutSeconds"], 1, MAX_SECONDS),
    ...inRange("HeartbeatSeconds", fields["HeartbeatSeconds"], 1, MAX_SECONDS),
    ...inRange("Seconds", fields["Seconds"], 0, MAX_SECONDS),
    ...inRange("MaxConcurrency", fields["MaxConcurrency"], 0, Infinity),
    ...inRange("ToleratedFailureCount", fields["ToleratedFailureCount"], 0, Infinity),
    ...inRange("ToleratedFailurePercentage", fields["ToleratedFailurePercentage"], 0, 100, false),
    ...heartbeatFaults(fields),
    ...timestampFaults(fields["Timestamp"]),
    ...choiceFaults(state),
    ...[fields, ...recordsOf(fields["Catch"]), ...recordsOf(fields["Choices"])].flatMap(assignFaults),
    ...roleFaults(fields),
    ...mapFaults(fields),
    ...nestedFaults(state),
    ...taskFaults(fields),
    ...sizeFaults(fields),
    ...handlerFaults("Retry", recordsOf(fields["Retry"])),
    ...handlerFaults("Catch", recordsOf(fields["Catch"])),
    ...awsErrorFaults(fields),
    ...recordsOf(fields["Retry"]).flatMap(retrierFaults),
    ...callbackFaults(fields),
    ...dynamoFaults(fields),
    ...textsIn(state).flatMap(placeFaults),
  ];
}

const NOT_OF_STATE: ReadonlySet<string> = new Set(["Branches", "Comment", "ItemProcessor", "Iterator"]);

/** Of a state without its nested machines: those that are not known before the execution are left out. */
function textsIn(state: State): string[] {
  const texts = (value: unknown): string[] => {
    const text = constantIn(value, true);
    if (isLiteral(text)) return [text];
    return isRecord(value) || Array.isArray(value) ? Object.values(value).flatMap(texts) : [];
  };
  return Object.entries(state).flatMap(([name, value]) => (NOT_OF_STATE.has(name) ? [] : texts(value)));
}

/** A call that does not exist has no parameters that could be compared. */
function taskFaults(fields: Fields): string[] {
  const faults = callFaults(fields["Resource"]);
  return faults.length > 0 ? faults : [...parameterFaults(fields), ...resultFieldFaults(fields)];
}

const MAX_PAYLOAD_BYTES = 262_144;

/** What a state passes on as it is written. */
const PAYLOADS = "Arguments Parameters Output Result Assign Items ItemSelector ResultSelector BatchInput".split(" ");

/** Also of its rules, its handlers and its batches. */
function sizeFaults({ Choices, Catch, ItemBatcher, ...fields }: Fields): string[] {
  return [fields, ...recordsOf(Choices), ...recordsOf(Catch), ...recordsOf([ItemBatcher])].flatMap((each) =>
    PAYLOADS.filter((name) => Buffer.byteLength(JSON.stringify({ [name]: each[name] })) > MAX_PAYLOAD_BYTES).map(
      (name) => `has ${name} of more than ${MAX_PAYLOAD_BYTES} bytes`,
    ),
  );
}

/** The objects of a state whose fields are numbers and texts. */
const SETTINGS = new Set(["Credentials", "ItemBatcher", "ItemReader", "ResultWriter"]);

/** An expression that is a number in any case is that number; as a Timestamp, one that is a text is that text. */
function withConstants(state: State): Fields {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]: [string, unknown]) => [
      name,
      SETTINGS.has(name) ? settled(value) : constantIn(value, name === "Timestamp"),
    ]),
  );
}

/** With its expressions that are a number or a text in any case. */
function settled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(settled);
  if (!isRecord(value)) return constantIn(value, true);
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, settled(child)]));
}

function constantIn(value: unknown, isText: boolean): unknown {
  const [, expression] = typeof value === "string" ? (EXPRESSION.exec(value) ?? []) : [];
  const { value: constant } = expression === undefined ? {} : resultOf(expression);
  return typeof constant === "number" || (isText && typeof constant === "string") ? constant : value;
}

/** Also text that Terraform replaces. */
const isExpression = (value: unknown): boolean => typeof value === "string" && !isLiteral(value);

/** The types that fields take: letters of jsonata-functions.ts. */
const FIELD_TYPES: Readonly<Record<string, string>> = {
  Seconds: "n",
  TimeoutSeconds: "n",
  HeartbeatSeconds: "n",
  MaxConcurrency: "n",
  ToleratedFailureCount: "n",
  ToleratedFailurePercentage: "n",
  Timestamp: "s",
  Items: "ao",
  Error: "s",
  Cause: "s",
  Arguments: "ao",
};

/** Expressions whose results are never of the type that their field takes: they end every execution. */
function resultFaults(state: State): string[] {
  const { ItemSelector }: Fields = { ...state };
  if (ItemSelector !== undefined && !isRecord(ItemSelector) && !isExpression(ItemSelector))
    return ["has ItemSelector, which is neither an object nor an expression"];
  const fields = Object.entries(state).map(
    ([name, value]: [string, unknown]) => [name, value, FIELD_TYPES[name]] as const,
  );
  const conditions = recordsOf(state.Choices).map(({ Condition }) => ["a Condition", Condition, "b"] as const);
  return [...fields, ...conditions].flatMap(([name, value, types]) => {
    const [text, expression] = typeof value === "string" ? (EXPRESSION.exec(value) ?? []) : [];
    if (expression === undefined || types === undefined) return [];
    const { type } = resultOf(expression);
    // Without a type: an activity and a function take any.
    const isAny = name === "Arguments" && !String(state.Resource).includes(":::");
    return type === "?" || types.includes(type) || isAny ? [] : [`has ${name} of another type: ${text}`];
  });
}

function heartbeatFaults({ HeartbeatSeconds, TimeoutSeconds }: Fields): string[] {
  if (typeof HeartbeatSeconds !== "number" || typeof TimeoutSeconds !== "number" || isToken(TimeoutSeconds)) return [];
  return HeartbeatSeconds < TimeoutSeconds ? [] : ["has HeartbeatSeconds that are not less than TimeoutSeconds"];
}

function timestampFaults(value: unknown): string[] {
  if (typeof value !== "string" || EXPRESSION.test(value)) return [];
  return isTimestamp(value) ? [] : ["has a Timestamp that is not RFC 3339"];
}

function choiceFaults({ Type, Choices = [], Default }: State): string[] {
  if (Type !== "Choice") return [];
  if (Choices.length === 0) return ["has no Choices"];
  const conditions = Choices.map(({ Next: _, Comment: __, Assign: ___, ...rule }: Fields) =>
    JSON.stringify("Condition" in rule ? rule["Condition"] : rule),
  );
  return [
    ...(Default === undefined ? ["has no Default: States.NoChoiceMatched ends the execution"] : []),
    ...conditions
      .filter((condition, index) => conditions.indexOf(condition) !== index && !CHANGING.test(condition))
      .map((condition) => `has the condition ${condition} twice: the second rule never applies`),
  ];
}

/** Functions with another result each time. */
const CHANGING = /\$(?:random|shuffle|uuid|now|millis)\b/;

/** `States.ALL` is alone and last, for what comes after it would never apply. */
function handlerFaults(field: string, handlers: readonly Fields[]): string[] {
  return handlers.flatMap(({ ErrorEquals }, index) => {
    const names: readonly unknown[] = Array.isArray(ErrorEquals) ? ErrorEquals : [];
    const unknown = names.map(String).filter((name) => !isOfStates(name) && isLikeOfStates(name));
    const earlier = handlers.slice(0, index).flatMap((handler) => [handler["ErrorEquals"]].flat());
    return [
      ...(names.length === 0 || names.includes("") ? [`has an empty ErrorEquals in ${field}`] : []),
      ...names
        .filter((name, position) => names.indexOf(name) !== position)
        .map((name) => `has ${String(name)} twice in an ErrorEquals in ${field}`),
      ...names
        .filter((name) => EXPRESSION.test(String(name)))
        .map((name) => `has ${String(name)} in ${field}: names of errors are not evaluated`),
      ...unknown.map((name) => `has ${name} in ${field}, which is not an error of Step Functions`),
      ...names
        .filter((name) => earlier.includes(name) || (earlier.includes("States.TaskFailed") && isOfTask(name)))
        .map((name) => `has ${String(name)} twice in ${field}: the second one never applies`),
      ...(names.includes("States.Runtime") ? [`has States.Runtime in ${field}: nothing handles it`] : []),
      ...(names.includes("States.ALL") && names.length > 1 ? [`has States.ALL beside other errors in ${field}`] : []),
      ...(names.includes("States.ALL") && index < handlers.length - 1
        ? [`has States.ALL before the end of ${field}`]
        : []),
    ];
  });
}

const LAMBDA_ERRORS = (
  "AWSLambdaException ClientExecutionTimeoutException EC2ThrottledException EC2UnexpectedException ENILimitReachedException " +
  "InvalidParameterValueException InvalidRequestContentException RequestTooLargeException ResourceConflictException " +
  "ResourceNotFoundException ResourceNotReadyException SdkClientException ServiceException TooManyRequestsException Unknown"
).split(" ");

/** Errors of Lambda that resemble another one, and those of DynamoDB, which its two integrations spell differently. */
function awsErrorFaults({ Resource, Retry, Catch }: Fields): string[] {
  const [, integration] = /:::(aws-sdk:dynamodb|dynamodb):/.exec(String(Resource)) ?? [];
  const ofDynamo = integration === "dynamodb" ? "DynamoDB." : "DynamoDb.";
  const names = [...recordsOf(Retry), ...recordsOf(Catch)].flatMap(({ ErrorEquals }) =>
    [ErrorEquals].flat().map(String),
  );
  return names.flatMap((name) => {
    if (integration !== undefined && /^dynamodb\./i.test(name) && !name.startsWith(ofDynamo))
      return [`has ${name}: errors of ${String(Resource)} begin with ${ofDynamo}`];
    const [, error] = /^lambda\.(\w+)$/i.exec(name) ?? [];
    if (error === undefined || (LAMBDA_ERRORS.includes(error) && name.startsWith("Lambda."))) return [];
    const meant = LAMBDA_ERRORS.includes(error) ? error : nearest(error, LAMBDA_ERRORS);
    return meant === undefined ? [] : [`has ${name}, which is not an error of Lambda: Lambda.${meant}`];
  });
}

/** States.TaskFailed is all but a timeout. */
const isOfTask = (name: unknown): boolean => typeof name === "string" && !name.startsWith("States.");

/** Names of variables are identifiers of Unicode. */
function assignFaults({ Assign }: Fields): string[] {
  const names = assignedNames({ Assign });
  return names.flatMap((name, index) => {
    if (names.indexOf(name) !== index) return [`assigns $${name} twice`];
    if (name === "states") return ["assigns $states, which is reserved"];
    const isName = /^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(name) && name.length <= 80;
    return isName ? [] : [`assigns $${name}: names are identifiers of at most 80 characters`];
  });
}

function roleFaults({ Credentials: credentials, Resource }: Fields): string[] {
  if (credentials === undefined) return [];
  if (String(Resource).includes(":activity:")) return ["has Credentials for an activity, whose workers have their own"];
  const [{ RoleArn, "RoleArn.$": path } = {}] = recordsOf([credentials]);
  if (RoleArn === undefined && path === undefined) return ["has Credentials without RoleArn"];
  const isExpression = typeof RoleArn === "string" && EXPRESSION.test(RoleArn);
  if (RoleArn === undefined || isExpression) return [];
  const isArn = typeof RoleArn === "string" && /\$\{|^arn:[^:]*:iam::\d{12}:role\/[^:]+$/.test(RoleArn);
  return isArn
    ? []
    : [`has Credentials for ${typeof RoleArn === "string" ? RoleArn : "an object"}, which is not the ARN of a role`];
}

function nestedFaults(state: State): string[] {
  const { ProcessorConfig: { Mode, ExecutionType } = { Mode: "INLINE" } } = state.ItemProcessor ?? {};
  const isEmpty = state.Type === "Parallel" && state.Branches?.length === 0;
  const isOther = Mode !== "DISTRIBUTED" && ExecutionType !== undefined;
  return [
    ...(isEmpty ? ["has no Branches"] : []),
    ...(isOther ? ["has ExecutionType, which only distributed maps have"] : []),
    ...nestedIn(state).flatMap((machine) => [
      ...Object.keys(machine)
        .filter((name) => ["QueryLanguage", "TimeoutSeconds", "Version"].includes(name))
        .map((name) => `has a nested machine with ${name}`),
      ...(ExecutionType === "EXPRESS" ? expressFaults(machine) : []),
    ]),
  ];
}

function retrierFaults(retrier: Fields): string[] {
  const { IntervalSeconds, MaxAttempts, BackoffRate, MaxDelaySeconds, JitterStrategy = "NONE" } = retrier;
  const interval = typeof IntervalSeconds === "number" ? IntervalSeconds : 1;
  const isTooShort = typeof MaxDelaySeconds === "number" && !isToken(MaxDelaySeconds) && MaxDelaySeconds <= interval;
  return [
    ...inRange("IntervalSeconds", IntervalSeconds, 1, MAX_SECONDS),
    ...inRange("MaxAttempts", MaxAttempts, 0, MAX_SECONDS),
    ...inRange("BackoffRate", BackoffRate, 1, Infinity, false),
    ...inRange("MaxDelaySeconds", MaxDelaySeconds, 1, 31_622_400),
    ...(JitterStrategy === "NONE" || JitterStrategy === "FULL"
      ? []
      : ["has a JitterStrategy other than FULL and NONE"]),
    ...(isTooShort ? ["has MaxDelaySeconds that are not more than IntervalSeconds"] : []),
  ];
}

/** A task that does not pass on its token cannot end, and one without a timeout waits for a year. */
function callbackFaults({ ItemProcessor: _, Iterator: __, Branches: ___, Comment: ____, ...fields }: Fields): string[] {
  const { Resource, Arguments, Parameters } = fields;
  const used = contextIn(fields);
  if (typeof Resource !== "string") return used.token ? ["has a task token: only tasks have one"] : [];
  if (Resource.includes(":activity:") || /\$\{[^}]*\}$/.test(Resource)) return [];
  const sent = contextIn({ Arguments, Parameters });
  if (!Resource.endsWith(".waitForTaskToken")) {
    if (sent.token) return ["sends a task token that it does not wait for: there is none"];
    return used.token ? ["has a task token that it does not wait for: there is none"] : [];
  }
  const hasLimit = Object.keys(fields).some((name) => /^(Timeout|Heartbeat)Seconds(Path)?$/.test(name));
  return [
    ...(sent.token || sent.whole ? [] : ["waits for a task token that it does not send: $states.context.Task.Token"]),
    ...(hasLimit ? [] : ["waits for a task token without TimeoutSeconds or HeartbeatSeconds"]),
  ];
}

interface ContextUse {
  readonly token: boolean;
  /** With its token. */
  readonly whole: boolean;
}

/** Whether expressions and paths have the task's token, or the whole context. Text that only looks like them does not. */
function contextIn(value: unknown, isPath = false): ContextUse {
  if (typeof value === "string") {
    const [, expression] = EXPRESSION.exec(value) ?? [];
    if (expression !== undefined) {
      const { usesToken, usesContext } = useOf(expression);
      return { token: usesToken, whole: usesContext };
    }
    const path = isPath ? value.replace(/'(?:[^'\\]|\\.)*'/gs, "''") : "";
    return { token: /\$\$\.Task\b/.test(path), whole: /\$\$(?!\.)/.test(path) };
  }
  const uses = Object.entries(Object(value) as object).map(([name, child]: [string, unknown]) =>
    contextIn(child, Array.isArray(value) ? isPath : name.endsWith(".$") || name.endsWith("Path")),
  );
  return { token: uses.some(({ token }) => token), whole: uses.some(({ whole }) => whole) };
}

/** Faults of expressions and variables, with the nested machines. `outer`: variables that the machine can read. */
export function expressionFaults(
  machine: Machine,
  outer: ReadonlySet<string> | "unknown",
  isInMap = outer === "unknown",
): string[] {
  const variablesAt = variablesByState(machine, outer === "unknown" ? new Set() : outer);
  return Object.entries(machine.States).flatMap(([name, state]) => {
    const variables = variablesAt.get(name) ?? new Set<string>();
    const isDistributed = state.ItemProcessor?.ProcessorConfig?.Mode === "DISTRIBUTED";
    const inner = isDistributed ? new Set<string>() : outer === "unknown" ? outer : variables;
    if ((state.QueryLanguage ?? machine.QueryLanguage) === "JSONPath")
      return [
        ...[...(outer === "unknown" ? [] : jsonPathVariables(state))]
          .filter((variable) => !variables.has(variable))
          .map((variable) => `${name} has $${variable}, which is not assigned on every path to it`),
        ...(isInMap || !usesItem(state) ? [] : [`${name} has $$.Map outside of a Map`]),
        ...nestedIn(state).flatMap((nested) =>
          expressionFaults({ ...nested, QueryLanguage: "JSONPath" }, inner, isInMap || state.Type === "Map"),
        ),
      ];
    const faults = fieldsOf(state).flatMap(({ value, allowed, hasItem = isInMap, tested = [] }) =>
      stringsIn(value).flatMap((text) =>
        textFaults(text, { allowed, hasItem }, outer === "unknown" ? "unknown" : new Set([...variables, ...tested])),
      ),
    );
    const names = fieldsOf(state).flatMap(({ value }) => nameFaults(value));
    return [
      ...[...new Set(faults)].map((fault) => `${name} ${fault}`),
      ...names.map((fault) => `${name} ${fault}`),
      ...nestedIn(state).flatMap((nested) =>
        expressionFaults({ ...nested, QueryLanguage: "JSONata" }, inner, isInMap || state.Type === "Map"),
      ),
    ];
  });
}

function textFaults(
  text: string,
  { allowed, hasItem }: Pick<FieldUse, "allowed"> & { readonly hasItem: boolean },
  variables: ReadonlySet<string> | "unknown",
): string[] {
  const [, expression] = EXPRESSION.exec(text) ?? [];
  if (expression === undefined) {
    if (text.includes("{%") || text.includes("%}")) return ["has an expression that is not the whole string"];
    if (isIntrinsic(text)) return [`has ${text}, a function of JSONPath`];
    return /^\$\$?\.[A-Za-z]/.test(text) ? [`has ${text}, a path of JSONPath`] : [];
  }
  const use = useOf(expression);
  return [
    ...use.faults,
    ...(use.functions.some((name) => variables !== "unknown" && !variables.has(name))
      ? [`has ${text}, which is a function and no value`]
      : []),
    ...(use.usesItem && !hasItem
      ? ["has $states.context.Map outside of a Map (nestedMachine is for what is in one)"]
      : []),
    ...[...use.states]
      .filter((property) => !allowed.some((each) => each === property))
      .map((property) => `has $states.${property} where there is none`),
    ...(variables === "unknown" ? [] : [...use.variables].filter((name) => !variables.has(name))).map(
      (name) => `has $${name}, which is not assigned on every path to it`,
    ),
  ];
}

/** A nested machine assigns no variable that a machine around it assigns. */
export function shadowFaults(machine: Machine, outer: ReadonlySet<string> = new Set()): string[] {
  const states = Object.entries(machine.States);
  const own = new Set(
    states.flatMap(([, state]) => [state, ...(state.Choices ?? []), ...(state.Catch ?? [])].flatMap(assignedNames)),
  );
  const both = new Set([...outer, ...own]);
  return [
    ...[...own]
      .filter((name) => outer.has(name))
      .map((name) => `$${name} is assigned in a nested machine and around it`),
    ...states.flatMap(([, state]) => nestedIn(state).flatMap((nested) => shadowFaults(nested, both))),
  ];
}

interface FieldUse {
  readonly value: unknown;
  readonly allowed: readonly StatesProperty[];
  /** @default in a Map's machine */
  readonly hasItem?: boolean;
  /** Variables that are assigned where the field applies. @default those of the state */
  readonly tested?: Iterable<string>;
}

const NOT_EXPRESSIONS = new Set([
  "Type",
  "Comment",
  "Resource",
  "Next",
  "Default",
  "QueryLanguage",
  "ItemProcessor",
  "Iterator",
  "Branches",
  "Retry",
]);

/** The fields with expressions, and what they can use. */
function fieldsOf(state: State): FieldUse[] {
  const hasResult = ["Task", "Map", "Parallel"].includes(state.Type);
  const before: readonly StatesProperty[] = ["input", "context"];
  const after: readonly StatesProperty[] = hasResult ? [...before, "result"] : before;
  return Object.entries(state).flatMap(([name, value]: [string, unknown]): FieldUse[] => {
    if (NOT_EXPRESSIONS.has(name)) return [];
    if (name === "Catch")
      return recordsOf(value).map(({ Assign, Output }) => ({
        value: [Assign, Output],
        allowed: [...before, "errorOutput"],
      }));
    if (name === "Choices")
      return recordsOf(value).map(({ Next: _, Comment: __, ...rule }) => ({
        value: rule,
        allowed: before,
        tested: testedIn(rule["Condition"]),
      }));
    const allowed = name === "Output" || name === "Assign" ? after : before;
    return [{ value, allowed, ...(name === "ItemSelector" && { hasItem: true }) }];
  });
}

/** What a rule assigns and outputs applies only where its condition holds: `$exists($n) and $n < 3`. */
function testedIn(condition: unknown): ReadonlySet<string> {
  const [, expression] = typeof condition === "string" ? (EXPRESSION.exec(condition) ?? []) : [];
  return expression === undefined ? new Set() : useOf(expression).tested;
}

/** Variables that are assigned on every path to a state: a fixed point. */
function variablesByState(
  { StartAt, States }: Machine,
  outer: ReadonlySet<string>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, ReadonlySet<string>>([[StartAt, outer]]);
  const pending = [StartAt];
  const flow = (to: string | undefined, variables: ReadonlySet<string>): void => {
    if (to === undefined) return;
    const before = known.get(to);
    const both = before === undefined ? variables : new Set([...before].filter((name) => variables.has(name)));
    if (both.size === before?.size) return;
    known.set(to, both);
    pending.push(to);
  };
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const state = States[name];
    const before = known.get(name) ?? outer;
    if (state === undefined) continue;
    const after = assigned(before, state);
    flow(state.Next, after);
    flow(state.Default, after);
    for (const rule of state.Choices ?? []) flow(rule.Next, assigned(before, rule));
    for (const catcher of state.Catch ?? []) flow(catcher.Next, assigned(before, catcher));
  }
  return known;
}

function assigned(before: ReadonlySet<string>, state: { readonly Assign?: unknown }): ReadonlySet<string> {
  return new Set([...before, ...assignedNames(state)]);
}

function assignedNames({ Assign }: { readonly Assign?: unknown }): readonly string[] {
  return Object.keys(Object(Assign) as object).map((name) => name.replace(/\.\$$/, ""));
}

/** Texts of a template, without paths where they are data. */
function stringsIn(value: unknown, name = ""): string[] {
  if (typeof value === "string") return isNameOfPaths(name) && value.startsWith("$") ? [] : [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    stringsIn(child, Array.isArray(value) || isNameOfPaths(name) ? name : key),
  );
}

/** What is wrong with the names of a template, which are texts. */
function nameFaults(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const names = Array.isArray(value) ? [] : Object.keys(value);
  return [
    ...names
      .filter((name) => EXPRESSION.test(name))
      .map((expression) => `has ${expression} as a name: names are not evaluated`),
    ...names.filter((name) => name.endsWith(".$")).map((name) => `has ${name} as a name, which is of JSONPath`),
    ...Object.values(value).flatMap(nameFaults),
  ];
}
