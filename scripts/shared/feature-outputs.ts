/** What the pipelines' module tells of its channels. */
import { z } from "zod";
import { NotDeployedError, type Deployed } from "../environments/deployed";

const outputsSchema = z.looseObject({
  channels: z.record(
    z.string(),
    z.object({
      endpoint: z.string(),
      queue_url: z.string(),
      dead_letter_queue_url: z.string(),
      table_name: z.string(),
      notify_function_name: z.string(),
    }),
  ),
  archive_bucket_name: z.string(),
});

export interface DeployedChannel {
  readonly name: string;
  readonly endpoint: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly tableName: string;
  /** Empty: nobody is told. */
  readonly notifyFunctionName: string;
  readonly archiveBucketName: string;
}

/** @throws NotDeployedError naming the channels that there are */
export function channelOf(
  environment: string,
  name: string,
  { features }: Pick<Deployed, "features">,
): DeployedChannel {
  const outputs = outputsSchema.safeParse(features["pipelines"]);
  if (!outputs.success) throw new NotDeployedError(`${environment} has no channels`);
  const { channels, archive_bucket_name: archiveBucketName } = outputs.data;
  const channel = channels[name];
  if (channel === undefined)
    throw new NotDeployedError(`${environment} has no channel "${name}": ${Object.keys(channels).join(", ")}`);
  return {
    name,
    endpoint: channel.endpoint,
    queueUrl: channel.queue_url,
    deadLetterQueueUrl: channel.dead_letter_queue_url,
    tableName: channel.table_name,
    notifyFunctionName: channel.notify_function_name,
    archiveBucketName,
  };
}
