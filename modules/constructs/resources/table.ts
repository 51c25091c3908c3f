/** A DynamoDB table: keys, indexes, stream, backups, grants. */
import { DynamodbTable } from "@cdktf/provider-aws/lib/dynamodb-table";
import { Construct } from "constructs";
import type { EventSource, StreamEventSourceProps } from "./event-source";
import { Feature } from "../feature";
import type { Binding } from "./grants";
import { RESOURCE } from "../readable-id";

/** A key attribute: S string, N number, B binary. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: "S" | "N" | "B";
}

export interface TableProps {
  /** @default none: the table has its feature's name */
  readonly nameSuffix?: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  /** Epoch seconds after which DynamoDB deletes an item, within two days. @default items do not expire */
  readonly timeToLiveAttribute?: string;
  /** @default none */
  readonly indexes?: readonly {
    readonly name: string;
    readonly partitionKey: KeyAttribute;
    readonly sortKey?: KeyAttribute;
    /** Projected beside the keys. @default all */
    readonly attributes?: readonly string[];
  }[];
  /** @default no stream */
  readonly stream?: "KEYS_ONLY" | "NEW_IMAGE" | "OLD_IMAGE" | "NEW_AND_OLD_IMAGES";
}

/**
 * A DynamoDB table: on-demand, encrypted by DynamoDB. With `protectData`: point-in-time recovery and deletion protection.
 */
export class Table extends Construct {
  readonly name: string;
  readonly arn: string;
  private readonly resource: DynamodbTable;
  private readonly indexNames: readonly string[];

  constructor(scope: Construct, id: string, props: TableProps) {
    super(scope, id);
    const feature = Feature.of(this);
    const { protectData } = feature.deployment;
    const indexes = props.indexes ?? [];
    const keys = [props, ...indexes].flatMap(({ partitionKey, sortKey }) =>
      sortKey ? [partitionKey, sortKey] : [partitionKey],
    );

    this.indexNames = indexes.map(({ name }) => name);
    this.resource = new DynamodbTable(this, RESOURCE, {
      name: feature.physicalName(props.nameSuffix),
      billingMode: "PAY_PER_REQUEST",
      attribute: [...new Map(keys.map((key) => [key.name, { name: key.name, type: key.type }])).values()],
      hashKey: props.partitionKey.name,
      ...(props.sortKey && { rangeKey: props.sortKey.name }),
      ...(props.timeToLiveAttribute !== undefined && {
        ttl: { attributeName: props.timeToLiveAttribute, enabled: true },
      }),
      globalSecondaryIndex: indexes.map((index) => ({
        name: index.name,
        hashKey: index.partitionKey.name,
        ...(index.sortKey && { rangeKey: index.sortKey.name }),
        ...(index.attributes === undefined
          ? { projectionType: "ALL" }
          : { projectionType: "INCLUDE", nonKeyAttributes: [...index.attributes] }),
      })),
      ...(props.stream && { streamEnabled: true, streamViewType: props.stream }),
      pointInTimeRecovery: { enabled: protectData },
      deletionProtectionEnabled: protectData,
      lifecycle: { preventDestroy: protectData },
    });
    this.name = this.resource.name;
    this.arn = this.resource.arn;
  }

  /** Requires `stream`. */
  get streamArn(): string {
    return this.resource.streamArn;
  }

  /** The table's name with these actions on it and, for Query, on its indexes: `table.grant("Query", "UpdateItem")`. */
  grant(...actions: readonly DynamoAction[]): Binding {
    const readsIndexes = actions.includes("Query"); // no code scans an index
    return {
      value: this.name,
      actions: actions.map((action) => `dynamodb:${action}`),
      resources: [this.arn, ...(readsIndexes ? this.indexNames.map((name) => `${this.arn}/index/${name}`) : [])],
    };
  }

  /** Requires `stream`. Invokes a function with every change since the table was created. */
  eventSource({ batchSize, retries, onFailure }: StreamEventSourceProps): EventSource {
    const actions = ["DescribeStream", "GetRecords", "GetShardIterator"].map((action) => `dynamodb:${action}`);
    return {
      permissions: {
        STREAM: { value: this.streamArn, actions, resources: [this.streamArn] },
        STREAM_FAILURES: onFailure.grantSend(),
      },
      mapping: {
        eventSourceArn: this.streamArn,
        startingPosition: "TRIM_HORIZON",
        batchSize,
        maximumRetryAttempts: retries,
        bisectBatchOnFunctionError: true,
        destinationConfig: { onFailure: { destinationArn: onFailure.arn } },
      },
    };
  }
}

/** Actions on items. */
export type DynamoAction =
  | "BatchGetItem"
  | "BatchWriteItem"
  | "ConditionCheckItem"
  | "DeleteItem"
  | "GetItem"
  | "PutItem"
  | "PartiQLUpdate"
  | "Query"
  | "Scan"
  | "UpdateItem";
