/**
 * The fields of Amazon States Language, each state type's own, in both query languages.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
import type { Machine } from "./machine";
import type { Json, JsonataExpression, JsonPath, QueryLanguage } from "./values";

/** What stands behind a key that ends with `.$`: a path, or an intrinsic function. */
type JsonPathValue = JsonPath | `States.${string}`;

/** JSON with values from the state's input: behind a key that ends with `.$`, only what can be looked up is allowed. */
interface JsonPathTemplate {
  readonly [looked: `${string}.$`]: JsonPathValue;
  readonly [key: string]: Json;
}

/** A value, or an expression for one where the language has them. */
type Or<L extends QueryLanguage, Value> = L extends "JSONata" ? Value | JsonataExpression : Value;

/** Each parameter by its name; in JSONPath by its name with `.$` as well, which is looked up. */
export type Parameters<L extends QueryLanguage, P> = L extends "JSONata"
  ? P
  : { readonly [Name in keyof P]?: P[Name] } & {
      readonly [Name in keyof P & string as `${Name}.$`]?: JsonPathValue;
    };

/** Exactly one of the properties of `T`. */
type OneOf<T> = {
  [Chosen in keyof T]: { readonly [Name in Chosen]: T[Name] } & Readonly<
    Partial<Record<Exclude<keyof T, Chosen>, never>>
  >;
}[keyof T];

interface Described {
  readonly Comment?: string;
}

/** Where to go on: exactly one of the two. */
type Onward<To extends string> =
  { readonly Next: To; readonly End?: never } | { readonly End: true; readonly Next?: never };

type Variables<L extends QueryLanguage> = Readonly<Record<string, L extends "JSONata" ? Json : JsonPathTemplate>>;

/** What every state but Fail may do with its input and output. */
type Data<L extends QueryLanguage> = L extends "JSONata"
  ? { readonly Output?: Json }
  : { readonly InputPath?: JsonPath | null; readonly OutputPath?: JsonPath | null };

/** Of states that other states may follow. */
interface Assigning<L extends QueryLanguage> {
  readonly Assign?: Variables<L>;
}

/** Of states that have something done. */
type Given<L extends QueryLanguage, Arguments> = L extends "JSONata"
  ? { readonly Arguments?: Arguments }
  : {
      readonly Parameters?: Arguments;
      readonly ResultSelector?: JsonPathTemplate;
      readonly ResultPath?: JsonPath | null;
    };

/** `States.ALL`, `States.Timeout`, `Lambda.TooManyRequestsException`, or the name of a function's own error. */
type ErrorName = string;

/** A retry. Defaults are Step Functions' own: 1 s, three attempts, twice the interval each time, no jitter. */
export interface Retrier extends Described {
  readonly ErrorEquals: readonly [ErrorName, ...ErrorName[]];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: "FULL" | "NONE";
}

export type Catcher<L extends QueryLanguage, To extends string> = Described &
  Assigning<L> & {
    readonly ErrorEquals: readonly [ErrorName, ...ErrorName[]];
    readonly Next: To;
  } & (L extends "JSONata" ? { readonly Output?: Json } : { readonly ResultPath?: JsonPath | null });

interface Caught<L extends QueryLanguage, To extends string> {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher<L, To>[];
}

/** What follows a task, and what it is held to; `task` adds what it does. */
export type TaskFields<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> &
  Onward<To> &
  Caught<L, To> &
  Limit<L, "TimeoutSeconds"> &
  Limit<L, "HeartbeatSeconds">;

type Limit<L extends QueryLanguage, Name extends string> = Readonly<Partial<Record<Name, Or<L, number>>>> &
  (L extends "JSONPath" ? Readonly<Partial<Record<`${Name}Path`, JsonPath>>> : unknown);

/** A task by its resource's ARN, and what that is given. */
export type Task<L extends QueryLanguage, To extends string> = TaskFields<L, To> &
  Given<L, L extends "JSONata" ? Json : JsonPathTemplate> & { readonly Resource: string };

/** A task whose resource is known, with just the parameters that it has. */
export type Integration<L extends QueryLanguage, To extends string, P> = TaskFields<L, To> &
  (L extends "JSONata"
    ? { readonly Arguments: Parameters<L, P> }
    : Omit<Given<"JSONPath", never>, "Parameters"> & { readonly Parameters: Parameters<L, P> });

export type Pass<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> &
  Onward<To> &
  (L extends "JSONata"
    ? unknown
    : { readonly Result?: Json; readonly Parameters?: JsonPathTemplate; readonly ResultPath?: JsonPath | null });

export type Wait<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> &
  Onward<To> &
  OneOf<
    { Seconds: Or<L, number>; Timestamp: string } & (L extends "JSONPath"
      ? { SecondsPath: JsonPath; TimestampPath: JsonPath }
      : unknown)
  >;

export type Succeed<L extends QueryLanguage> = Described & Data<L>;

export type Fail<L extends QueryLanguage> = Described & {
  readonly Error?: string;
  readonly Cause?: string;
} & (L extends "JSONPath" ? { readonly ErrorPath?: JsonPath; readonly CausePath?: JsonPath } : unknown);

export type Choice<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> & { readonly Choices: readonly ChoiceRule<L, To>[]; readonly Default?: To };

/** When it holds, the machine goes on there. The first that holds counts. */
export type ChoiceRule<L extends QueryLanguage, To extends string> = Described &
  Assigning<L> & { readonly Next: To } & (L extends "JSONata"
    ? { readonly Condition: JsonataExpression | boolean; readonly Output?: Json }
    : Test);

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

/** What a JSONPath machine chooses by: one comparison, or several combined. */
export type Test =
  | { readonly And: readonly Test[]; readonly Or?: never; readonly Not?: never; readonly Variable?: never }
  | { readonly Or: readonly Test[]; readonly And?: never; readonly Not?: never; readonly Variable?: never }
  | { readonly Not: Test; readonly And?: never; readonly Or?: never; readonly Variable?: never }
  | ({
      readonly Variable: JsonPath;
      readonly And?: never;
      readonly Or?: never;
      readonly Not?: never;
    } & OneOf<Comparisons>);

/** Runs a machine of its own for each item, inline: up to 40 at a time, within one execution. */
export type Map<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> &
  Onward<To> &
  Caught<L, To> & { readonly ItemProcessor: Machine<L> } & (L extends "JSONata"
    ? { readonly Items?: JsonataExpression | readonly Json[]; readonly ItemSelector?: Json }
    : {
        readonly ItemsPath?: JsonPath;
        readonly ItemSelector?: JsonPathTemplate;
        readonly ResultSelector?: JsonPathTemplate;
        readonly ResultPath?: JsonPath | null;
      }) &
  Limit<L, "MaxConcurrency">;

/** Runs machines of its own side by side. */
export type Parallel<L extends QueryLanguage, To extends string> = Described &
  Data<L> &
  Assigning<L> &
  Onward<To> &
  Caught<L, To> &
  Given<L, L extends "JSONata" ? Json : JsonPathTemplate> & {
    readonly Branches: readonly [Machine<L>, ...Machine<L>[]];
  };
