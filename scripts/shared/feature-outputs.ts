/** What each feature's module outputs, as commands need it. */
import * as z from "zod";
import { ownValue } from "../../functions/shared/own-value";

/** Each feature's outputs by name, as the stack gives them. */
export const featuresSchema = z.record(z.string(), z.record(z.string(), z.unknown()));
export type Features = z.output<typeof featuresSchema>;

const SCHEMAS = {
  heartbeats: z.looseObject({
    telemetry_table_name: z.string(),
    check_function_name: z.string(),
    status_page_bucket_name: z.string(),
    status_page_url: z.string().optional(),
    state_table_name: z.string().default(""),
    publish_function_name: z.string().default(""),
    configuration_bucket_name: z.string().default(""),
    ping_url: z.string().optional(),
    ping_secret_parameter: z.string().optional(),
  }),
  timers: z.looseObject({ api_url: z.string() }),
  exports: z.looseObject({
    configuration_bucket_name: z.string(),
    state_table_name: z.string(),
    state_machine_arn: z.string(),
  }),
  pipelines: z.looseObject({
    pipelines: z.record(
      z.string(),
      z.object({
        endpoint: z.string(),
        queue_url: z.string(),
        dead_letter_queue_url: z.string(),
        table_name: z.string(),
        notify_function_name: z.string(),
        slack_parameter: z.string(),
        webhook_url: z.string(),
      }),
    ),
    archive_bucket_name: z.string(),
    notifications_table_name: z.string().default(""),
    slack_parameters: z.array(z.string()).default([]),
  }),
  schedules: z.looseObject({
    runs_table_name: z.string(),
    configuration_bucket_name: z.string(),
    function_prefix: z.string(),
  }),
  workflows: z.looseObject({
    workflows: z.record(
      z.string(),
      z.object({
        table_name: z.string(),
        state_machine_arn: z.string(),
        execution_arn_prefix: z.string(),
        keep_days: z.coerce.number(),
        start_function_name: z.string(),
        is_own: z.union([z.boolean(), z.stringbool()]).default(false),
      }),
    ),
  }),
};
type Schemas = typeof SCHEMAS;

/** The environment does not have it. The message lists what it has. */
export class NotInEnvironmentError extends Error {
  override readonly name = "NotInEnvironmentError";
}

/** @throws NotInEnvironmentError */
export function outputsOf<Feature extends keyof Schemas>(
  feature: Feature,
  { name, features }: { readonly name: string; readonly features: Features },
): z.output<Schemas[Feature]>;
export function outputsOf(
  feature: keyof Schemas,
  { name, features }: { readonly name: string; readonly features: Features },
): unknown {
  const outputs = ownValue(features, feature);
  if (outputs === undefined)
    throw new NotInEnvironmentError(
      `${name} has no ${feature}. It has: ${Object.keys(features).join(", ") || "no features"}`,
    );
  return SCHEMAS[feature].parse(outputs);
}

export interface DeployedPipeline {
  readonly name: string;
  readonly endpoint: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly tableName: string;
  /** Empty without notifications. */
  readonly notifyFunctionName: string;
  /** Empty without a webhook. */
  readonly webhookUrl: string;
  /** The SSM parameter with the Slack webhook. Empty without notifications. */
  readonly slackParameter: string;
  readonly archiveBucketName: string;
  /** Of notifications that wait for Slack. Empty when no pipeline has notifications. */
  readonly notificationsTableName: string;
}

/** @throws NotInEnvironmentError */
export function pipelineOf(
  environment: string,
  name: string,
  { features }: { readonly features: Features },
): DeployedPipeline {
  const {
    pipelines,
    archive_bucket_name: archiveBucketName,
    notifications_table_name: notificationsTableName,
  } = outputsOf("pipelines", { name: environment, features });
  const pipeline = ownValue(pipelines, name);
  if (pipeline === undefined)
    throw new NotInEnvironmentError(
      `${environment} has no pipeline "${name}". It has: ${Object.keys(pipelines).join(", ")}`,
    );
  return {
    name,
    endpoint: pipeline.endpoint,
    queueUrl: pipeline.queue_url,
    deadLetterQueueUrl: pipeline.dead_letter_queue_url,
    tableName: pipeline.table_name,
    notifyFunctionName: pipeline.notify_function_name,
    webhookUrl: pipeline.webhook_url,
    slackParameter: pipeline.slack_parameter,
    archiveBucketName,
    notificationsTableName,
  };
}
