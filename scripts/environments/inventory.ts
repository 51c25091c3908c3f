/** Finds every environment that is deployed in an account: each has a bucket with its Terraform state. */
import { GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { estimate } from "../cost/estimate";
import type { Resource } from "../terraform/stack-resources";

export interface DeployedEnvironment {
  readonly name: string;
  /** What its names begin with. */
  readonly app: string;
  readonly bucket: string;
  /** True: somebody's own. */
  readonly personal: boolean;
  /** When its state bucket was made, and when its state was written last. */
  readonly since: Date | undefined;
  readonly changed: Date | undefined;
  /** None: it was destroyed, and its state kept. */
  readonly resources: number;
  /** In dollars a month, idle: at list price. An account's allowances can be counted once only. */
  readonly listed: number;
}

/** A state, as Terraform writes it into its file. */
export const stateSchema = z.object({
  resources: z.array(
    z.object({
      mode: z.string(),
      module: z.string().optional(),
      type: z.string(),
      name: z.string(),
      instances: z.array(
        z.object({
          index_key: z.union([z.string(), z.number()]).optional(),
          attributes: z.record(z.string(), z.unknown()).default({}),
        }),
      ),
    }),
  ),
});
export type State = z.output<typeof stateSchema>;

/** Where bootstrap puts a state, when it is not told otherwise. */
const STATE_BUCKET_ENDING = "-terraform-state";

/**
 * @param named state buckets that have a name of their own
 */
export async function findEnvironments(
  s3: S3Client,
  named: ReadonlySet<string>,
): Promise<readonly DeployedEnvironment[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const found: DeployedEnvironment[] = [];
  for (const { Name: bucket = "", CreationDate: since } of Buckets) {
    if (!bucket.endsWith(STATE_BUCKET_ENDING) && !named.has(bucket)) continue;
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    for (const { Key = "", LastModified: changed } of Contents) {
      const [, app, name] = /^([^/]+)\/([^/]+)\.tfstate$/.exec(Key) ?? [];
      if (app === undefined || name === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const state = stateSchema.safeParse(JSON.parse((await Body?.transformToString()) ?? "null"));
      if (!state.success) continue; // another program's
      found.push({ name, app, bucket, since, changed, ...summarize(state.data) });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function summarize(state: State): Pick<DeployedEnvironment, "personal" | "resources" | "listed"> {
  const resources = resourcesOfState(state);
  const tagsOf = ({ values }: Resource) => z.record(z.string(), z.unknown()).safeParse(values["tags_all"]).data ?? {};
  return {
    personal: resources.some((resource) => "Personal" in tagsOf(resource)),
    resources: resources.length,
    listed: estimate(resources).listed,
  };
}

/** What a state holds. */
export function resourcesOfState({ resources }: State): readonly Resource[] {
  return resources
    .filter(({ mode }) => mode === "managed")
    .flatMap(({ module = "", type, name, instances }) =>
      instances.map(({ index_key: index, attributes }) => ({
        address: `${module === "" ? "" : `${module}.`}${type}.${name}${index === undefined ? "" : `[${JSON.stringify(index)}]`}`,
        module: module.replace(/^module\./, ""),
        type,
        values: attributes,
      })),
    );
}
