/** Event sources that Lambda polls: queues and streams. */
import type { LambdaEventSourceMappingConfig } from "@cdktf/provider-aws/lib/lambda-event-source-mapping";
import type { Binding } from "./grants";

/** What Lambda polls for a function: `queue.eventSource(...)` or `table.eventSource(...)`. */
export interface EventSource {
  /** The function role's permissions, by their statement's name. */
  readonly permissions: Readonly<Record<string, Binding>>;
  readonly mapping: Omit<LambdaEventSourceMappingConfig, "functionName">;
}

export interface QueueEventSourceProps {
  /** Messages per invocation: up to 10, or 10,000 with a batching window. */
  readonly batchSize: number;
  /** Batching window: how long a batch may fill, up to 300. @default 0 */
  readonly windowSeconds?: number;
  /** Concurrent invocations, 2 to 1,000. @default the account's limit */
  readonly maxConcurrency?: number;
}

export interface StreamEventSourceProps {
  /** Records per invocation, up to 10,000. */
  readonly batchSize: number;
  /** Retries of a failed batch, which is bisected each time. */
  readonly retries: number;
  /** Receives the position of discarded records, not the records. The stream keeps them for 24 hours. */
  readonly onFailure: { readonly arn: string; grantSend(): Binding };
}
