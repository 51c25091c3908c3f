/** What the pipelines' module tells of its pipelines. */
import { z } from "zod";
import { NotDeployedError, type Deployed } from "../../environments/deployed";

const outputsSchema = z.looseObject({
  pipelines: z.record(
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

export interface DeployedPipeline {
  readonly name: string;
  readonly endpoint: string;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly tableName: string;
  /** Empty: nobody is told. */
  readonly notifyFunctionName: string;
  readonly archiveBucketName: string;
}

/** @throws NotDeployedError naming the pipelines that there are */
export function pipelineOf(
  environment: string,
  name: string,
  { features }: Pick<Deployed, "features">,
): DeployedPipeline {
  const outputs = outputsSchema.safeParse(features["pipelines"]);
  if (!outputs.success) throw new NotDeployedError(`${environment} has no pipelines`);
  const { pipelines, archive_bucket_name: archiveBucketName } = outputs.data;
  const pipeline = pipelines[name];
  if (pipeline === undefined)
    throw new NotDeployedError(`${environment} has no pipeline "${name}": ${Object.keys(pipelines).join(", ")}`);
  return {
    name,
    endpoint: pipeline.endpoint,
    queueUrl: pipeline.queue_url,
    deadLetterQueueUrl: pipeline.dead_letter_queue_url,
    tableName: pipeline.table_name,
    notifyFunctionName: pipeline.notify_function_name,
    archiveBucketName,
  };
}
