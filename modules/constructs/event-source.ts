import type { LambdaEventSourceMappingConfig } from "@cdktf/provider-aws/lib/lambda-event-source-mapping";
import type { Binding } from "./grants";

/** What Lambda polls for a function: a queue (`queue.eventSource(...)`) or a table's stream (`table.eventSource(...)`). */
export interface EventSource {
  /** What the function's role needs for that, by what stands in its policy. */
  readonly permissions: Readonly<Record<string, Binding>>;
  readonly mapping: Omit<LambdaEventSourceMappingConfig, "functionName">;
}

/** For a queue. */
export interface QueueEventSourceProps {
  /** Messages at a time: up to 10, or 10,000 with a window. */
  readonly batchSize: number;
  /** Waits so long for a batch to fill, up to 300. @default 0 */
  readonly windowSeconds?: number;
  /** Invocations at a time at most, 2 to 1,000. @default as many as the account has left */
  readonly maxConcurrency?: number;
}

/** For a stream. */
export interface StreamEventSourceProps {
  /** Changes at a time, up to 10,000. */
  readonly batchSize: number;
  /** A batch that fails is tried again so often, in halves. */
  readonly retries: number;
  /** Where Lambda notes what it gives up: which changes they were, not what they are. The stream has them for 24 hours. */
  readonly onFailure: { readonly arn: string; grantSend(): Binding };
}
