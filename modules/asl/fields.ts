/**
 * The fields of each state type of Amazon States Language, in both query languages.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
import type { Machine } from "./machine";
import type { Json, JsonataExpression, JsonPath, QueryLanguage } from "./values";

/** The value of a key that ends with `.$`: a path or an intrinsic function. */
type JsonPathValue = JsonPath | `States.${string}`;

/** JSON in which keys that end with `.$` take their values from the state's input. */
interface JsonPathTemplate {
  readonly [reference: `${string}.$`]: JsonPathValue;
  readonly [key: string]: Json;
}

/** A value or, in JSONata, an expression. */
type OrExpression<L extends QueryLanguage, Value> = L extends "JSONata" ? Value | JsonataExpression : Value;

/** Parameters by name; in JSONPath also by name with `.$`. */
export type Parameters<L extends QueryLanguage, P> = L extends "JSONata"
  ? P
  : { readonly [Name in keyof P]?: P[Name] } & {
      readonly [Name in keyof P & string as `${Name}.$`]?: JsonPathValue;
    };

/** Exactly one of the properties of `T`. */
type ExactlyOne<T> = {
  [Chosen in keyof T]: { readonly [Name in Chosen]: T[Name] } & Readonly<
    Partial<Record<Exclude<keyof T, Chosen>, never>>
  >;
}[keyof T];

interface Commented {
  readonly Comment?: string;
}

type Transition<To extends string> =
  | { readonly Next: To; readonly End?: never }
  | { readonly End: true; readonly Next?: never };

type Variables<L extends QueryLanguage> = L extends "JSONata" ? Readonly<Record<string, Json>> : JsonPathTemplate;

/** Input and output processing: all states but Fail. */
type InputOutput<L extends QueryLanguage> = L extends "JSONata"
  ? { readonly Output?: Json }
  : { readonly InputPath?: JsonPath | null; readonly OutputPath?: JsonPath | null };

interface Assignable<L extends QueryLanguage> {
  readonly Assign?: Variables<L>;
}

/** Input and result of tasks. */
type ServiceInput<L extends QueryLanguage, Arguments> = L extends "JSONata"
  ? { readonly Arguments?: Arguments }
  : {
      readonly Parameters?: Arguments;
      readonly ResultSelector?: JsonPathTemplate;
      readonly ResultPath?: JsonPath | null;
    };

/** `States.ALL`, `States.Timeout`, `Lambda.TooManyRequestsException`, or the name of a function's own error. */
type ErrorName = string;

/** Step Functions' defaults: 1 s, three attempts, backoff rate 2, no jitter. */
export interface Retrier extends Commented {
  readonly ErrorEquals: readonly [ErrorName, ...ErrorName[]];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: "FULL" | "NONE";
}

export type Catcher<L extends QueryLanguage, To extends string> = Commented &
  Assignable<L> & {
    readonly ErrorEquals: readonly [ErrorName, ...ErrorName[]];
    readonly Next: To;
  } & (L extends "JSONata" ? { readonly Output?: Json } : { readonly ResultPath?: JsonPath | null });

interface ErrorHandling<L extends QueryLanguage, To extends string> {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher<L, To>[];
}

/** Fields of all tasks. */
export type TaskFields<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> &
  Transition<To> &
  ErrorHandling<L, To> &
  NumberField<L, "TimeoutSeconds"> &
  NumberField<L, "HeartbeatSeconds"> & {
    /** The role that the task assumes, of another account for example. */
    readonly Credentials?: L extends "JSONata"
      ? { readonly RoleArn: string }
      : { readonly RoleArn: string } | { readonly "RoleArn.$": JsonPathValue };
  };

type NumberField<L extends QueryLanguage, Name extends string> = Readonly<
  Partial<Record<Name, OrExpression<L, number>>>
> &
  (L extends "JSONPath" ? Readonly<Partial<Record<`${Name}Path`, JsonPath>>> : unknown);

/** A task with any resource. */
export type Task<L extends QueryLanguage, To extends string> = TaskFields<L, To> &
  ServiceInput<L, L extends "JSONata" ? Json : JsonPathTemplate> & { readonly Resource: string };

/** A task of a service integration, with that service's parameters. */
export type Integration<L extends QueryLanguage, To extends string, P> = TaskFields<L, To> &
  (L extends "JSONata"
    ? { readonly Arguments: Parameters<L, P> | JsonataExpression }
    : Omit<ServiceInput<"JSONPath", never>, "Parameters"> & { readonly Parameters: Parameters<L, P> });

export type Pass<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> &
  Transition<To> &
  (L extends "JSONata"
    ? unknown
    : { readonly Result?: Json; readonly Parameters?: JsonPathTemplate; readonly ResultPath?: JsonPath | null });

export type Wait<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> &
  Transition<To> &
  ExactlyOne<
    { Seconds: OrExpression<L, number>; Timestamp: string } & (L extends "JSONPath"
      ? { SecondsPath: JsonPath; TimestampPath: JsonPath }
      : unknown)
  >;

export type Succeed<L extends QueryLanguage> = Commented & InputOutput<L>;

export type Fail<L extends QueryLanguage> = Commented & {
  readonly Error?: string;
  readonly Cause?: string;
} & (L extends "JSONPath" ? { readonly ErrorPath?: JsonPathValue; readonly CausePath?: JsonPathValue } : unknown);

export type Choice<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> & { readonly Choices: readonly ChoiceRule<L, To>[]; readonly Default?: To };

/** The first rule whose condition holds selects the next state. */
export type ChoiceRule<L extends QueryLanguage, To extends string> = Commented &
  Assignable<L> & { readonly Next: To } & (L extends "JSONata"
    ? { readonly Condition: JsonataExpression; readonly Output?: Json }
    : JsonPathCondition);

interface Comparisons
  extends
    Comparison<"String", string>,
    Comparison<"Numeric", number>,
    Comparison<"Timestamp", string>,
    Readonly<
      Record<"BooleanEquals" | `Is${"Present" | "Null" | "Boolean" | "Numeric" | "String" | "Timestamp"}`, boolean>
    >,
    Readonly<Record<"BooleanEqualsPath", JsonPath>>,
    Readonly<Record<"StringMatches", string>> {}

type Comparison<Kind extends string, Value> = Readonly<
  Record<`${Kind}${"Equals" | "LessThan" | "LessThanEquals" | "GreaterThan" | "GreaterThanEquals"}`, Value> &
    Record<`${Kind}${"Equals" | "LessThan" | "LessThanEquals" | "GreaterThan" | "GreaterThanEquals"}Path`, JsonPath>
>;

/** A condition in JSONPath: one comparison or a combination. */
export type JsonPathCondition =
  | { readonly And: readonly JsonPathCondition[]; readonly Or?: never; readonly Not?: never; readonly Variable?: never }
  | { readonly Or: readonly JsonPathCondition[]; readonly And?: never; readonly Not?: never; readonly Variable?: never }
  | { readonly Not: JsonPathCondition; readonly And?: never; readonly Or?: never; readonly Variable?: never }
  | ({
      readonly Variable: JsonPath;
      readonly And?: never;
      readonly Or?: never;
      readonly Not?: never;
    } & ExactlyOne<Comparisons>);

/** Runs a nested machine for each item, inline: at most 40 at a time, within one execution. */
export type Map<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> &
  Transition<To> &
  ErrorHandling<L, To> & { readonly ItemProcessor: Machine<L> } & (L extends "JSONata"
    ? {
        readonly Items?: JsonataExpression | readonly Json[];
        readonly ItemSelector?: JsonataExpression | Readonly<Record<string, Json>>;
      }
    : {
        readonly ItemsPath?: JsonPath;
        readonly ItemSelector?: JsonPathTemplate;
        readonly ResultSelector?: JsonPathTemplate;
        readonly ResultPath?: JsonPath | null;
      }) &
  NumberField<L, "MaxConcurrency">;

/** Where a distributed map reads its items, of the given optimized integration. */
interface ItemReader<L extends QueryLanguage> {
  readonly Resource: "arn:aws:states:::s3:getObject" | "arn:aws:states:::s3:listObjectsV2";
  readonly ReaderConfig?: {
    readonly InputType?: "CSV" | "JSON" | "JSONL" | "PARQUET" | "MANIFEST";
    readonly Transformation?: "NONE" | "LOAD_AND_FLATTEN";
    readonly CSVHeaderLocation?: "FIRST_ROW" | "GIVEN";
    readonly CSVHeaders?: readonly string[];
    readonly CSVDelimiter?: "COMMA" | "PIPE" | "SEMICOLON" | "SPACE" | "TAB";
    readonly ItemsPointer?: string;
    readonly ManifestType?: "ATHENA_DATA" | "S3_INVENTORY";
  } & NumberField<L, "MaxItems">;
  readonly Arguments?: L extends "JSONata" ? S3Location | JsonataExpression : never;
  readonly Parameters?: L extends "JSONPath" ? Parameters<L, S3Location> : never;
}

interface S3Location {
  readonly Bucket: string;
  readonly Key?: string;
  readonly VersionId?: string;
  readonly Prefix?: string;
  readonly ExpectedBucketOwner?: string;
}

/** Where a distributed map writes the results of its executions: without a Resource, into its own result. */
interface ResultWriter<L extends QueryLanguage> {
  readonly Resource?: "arn:aws:states:::s3:putObject";
  readonly WriterConfig?: {
    readonly Transformation?: "NONE" | "COMPACT" | "FLATTEN";
    readonly OutputType?: "JSON" | "JSONL";
  };
  readonly Arguments?: L extends "JSONata" ? Omit<S3Location, "Key"> | JsonataExpression : never;
  readonly Parameters?: L extends "JSONPath" ? Parameters<L, Omit<S3Location, "Key">> : never;
}

/** Runs a nested machine as an execution of its own for each item or batch: up to 10,000 at a time. */
export type DistributedMap<L extends QueryLanguage, To extends string> = Map<L, To> &
  NumberField<L, "ToleratedFailureCount"> &
  NumberField<L, "ToleratedFailurePercentage"> & {
    /** Of the executions. EXPRESS ones have five minutes. */
    readonly ExecutionType: "STANDARD" | "EXPRESS";
    readonly ItemReader?: ItemReader<L>;
    readonly ItemBatcher?: NumberField<L, "MaxItemsPerBatch"> &
      NumberField<L, "MaxInputBytesPerBatch"> & { readonly BatchInput?: L extends "JSONata" ? Json : JsonPathTemplate };
    readonly ResultWriter?: ResultWriter<L>;
    /** In the ARNs of its executions. @default a generated one */
    readonly Label?: string;
  };

/** Runs nested machines in parallel. */
export type Parallel<L extends QueryLanguage, To extends string> = Commented &
  InputOutput<L> &
  Assignable<L> &
  Transition<To> &
  ErrorHandling<L, To> &
  ServiceInput<L, L extends "JSONata" ? Json : JsonPathTemplate> & {
    readonly Branches: readonly [Machine<L>, ...Machine<L>[]];
  };
