/** Parameters of the service integrations that our machines use. */
import type { Json, JsonataExpression, QueryLanguage } from "./values";

/** A DynamoDB attribute value. Numbers are strings. JSONPath refers to the input by `S.$`, JSONata inside the string. */
export type AttributeValue<L extends QueryLanguage> =
  | ScalarAttribute<L, "S">
  | ScalarAttribute<L, "N">
  | ScalarAttribute<L, "B">
  | Readonly<Record<"SS", Strings<L>>>
  | Readonly<Record<"NS", Strings<L>>>
  | Readonly<Record<"BS", Strings<L>>>
  | { readonly BOOL: boolean | Expression<L> }
  | { readonly NULL: true }
  | { readonly L: readonly AttributeValue<L>[] }
  | { readonly M: AttributeValues<L> }
  | (L extends "JSONata"
      ? JsonataExpression
      : Readonly<Partial<Record<`${"BOOL" | "L" | "M" | "SS" | "NS" | "BS"}.$`, string>>>);

type Strings<L extends QueryLanguage> = readonly string[] | Expression<L>;

type ScalarAttribute<L extends QueryLanguage, Kind extends "S" | "N" | "B"> =
  | Readonly<Record<Kind, string>>
  | (L extends "JSONPath" ? Readonly<Record<`${Kind}.$`, string>> : never);

type AttributeValues<L extends QueryLanguage> = Readonly<Record<string, AttributeValue<L>>> | Expression<L>;

/** In place of a value. */
type Expression<L extends QueryLanguage> = L extends "JSONata" ? JsonataExpression : never;

interface Expressions<L extends QueryLanguage> {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<`#${string}`, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<`:${string}`, AttributeValue<L>>> | Expression<L>;
}

/** What a response reports. */
interface Reports {
  readonly ReturnConsumedCapacity?: "INDEXES" | "TOTAL" | "NONE";
}

interface WriteReports extends Reports {
  readonly ReturnItemCollectionMetrics?: "SIZE" | "NONE";
  readonly ReturnValuesOnConditionCheckFailure?: "ALL_OLD" | "NONE";
}

export interface DynamoPut<L extends QueryLanguage> extends Expressions<L>, WriteReports {
  readonly TableName: string;
  readonly Item: AttributeValues<L>;
  readonly ReturnValues?: "NONE" | "ALL_OLD";
}

export interface DynamoUpdate<L extends QueryLanguage> extends Expressions<L>, WriteReports {
  readonly TableName: string;
  readonly Key: AttributeValues<L>;
  readonly UpdateExpression: string;
  readonly ReturnValues?: "NONE" | "ALL_OLD" | "UPDATED_OLD" | "ALL_NEW" | "UPDATED_NEW";
}

export interface DynamoGet<L extends QueryLanguage> extends Reports {
  readonly TableName: string;
  readonly Key: AttributeValues<L>;
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<`#${string}`, string>>;
}

export interface LambdaInvoke {
  /** Name or ARN. */
  readonly FunctionName: string;
  readonly Payload?: Json;
  readonly Qualifier?: string;
  /** @default "RequestResponse" */
  readonly InvocationType?: "RequestResponse" | "Event" | "DryRun";
  readonly ClientContext?: string;
  readonly LogType?: "None" | "Tail";
}

export interface SqsSend {
  readonly QueueUrl: string;
  /** Objects are sent as JSON. */
  readonly MessageBody: Json;
  readonly DelaySeconds?: number | JsonataExpression;
  readonly MessageAttributes?: Json;
  readonly MessageSystemAttributes?: Json;
  /** FIFO queues only. */
  readonly MessageGroupId?: string;
  readonly MessageDeduplicationId?: string;
}

export interface StartExecution {
  readonly StateMachineArn: string;
  readonly Input?: Json;
  /** Unique for 90 days: Step Functions refuses a second execution of the same name. */
  readonly Name?: string;
  readonly TraceHeader?: string;
}

/** Resource ARNs of the integrations. */
export const RESOURCES = {
  dynamoPut: "arn:aws:states:::dynamodb:putItem",
  dynamoUpdate: "arn:aws:states:::dynamodb:updateItem",
  dynamoGet: "arn:aws:states:::dynamodb:getItem",
  lambdaInvoke: "arn:aws:states:::lambda:invoke",
  sqsSend: "arn:aws:states:::sqs:sendMessage",
  startExecution: "arn:aws:states:::states:startExecution",
} as const;
