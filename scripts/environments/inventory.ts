/** Lists the environments deployed in an account: each has a bucket with its Terraform state. */
import { GetObjectCommand, ListBucketsCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";
import { estimate } from "../cost/estimate";
import type { Resource } from "../../modules/synthesized/resources";
import { parseJson } from "../shared/fields";
import { describeError } from "../shared/terminal/errors";
import { resourcesOfState, stateSchema, type State } from "../terraform/state";

export interface DeployedEnvironment {
  readonly name: string;
  /** The prefix of its names. */
  readonly app: string;
  readonly bucket: string;
  readonly personal: boolean;
  /** When its state bucket was created, and when its state was last written. */
  readonly since: Date | undefined;
  readonly changed: Date | undefined;
  /** 0: destroyed, with its state kept. */
  readonly resources: number;
  /** Dollars a month when idle, at list price: the free allowances are per account. */
  readonly listed: number;
}

/** The default name of a state bucket ends in this. */
const STATE_BUCKET_SUFFIX = "-terraform-state";

export interface Inventory {
  /** By name. */
  readonly environments: readonly DeployedEnvironment[];
  /** Buckets that could not be read, and why: another team's, whose policy denies it. */
  readonly unreadable: readonly string[];
}

/** @param named state buckets with names of their own; personal environments add theirs to that of the environment that they copy */
export async function findEnvironments(s3: S3Client, named: ReadonlySet<string>): Promise<Inventory> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  const environments: DeployedEnvironment[] = [];
  const unreadable: string[] = [];
  for (const { Name: bucket = "", CreationDate: since } of Buckets) {
    if (
      !bucket.endsWith(STATE_BUCKET_SUFFIX) &&
      ![...named].some((name) => bucket === name || bucket.startsWith(`${name}-`))
    )
      continue;
    try {
      environments.push(...(await environmentsIn(s3, bucket, since)));
    } catch (error) {
      unreadable.push(`${bucket}: ${describeError(error).split("\n")[0] ?? ""}`);
    }
  }
  return { environments: environments.sort((a, b) => (a.name < b.name ? -1 : 1)), unreadable };
}

async function environmentsIn(
  s3: S3Client,
  bucket: string,
  since: Date | undefined,
): Promise<readonly DeployedEnvironment[]> {
  const found: DeployedEnvironment[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket: bucket })) {
    for (const { Key = "", LastModified: changed } of Contents) {
      const [, app, name] = /^([^/]+)\/([^/]+)\.tfstate$/.exec(Key) ?? [];
      if (app === undefined || name === undefined) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const state = stateSchema.safeParse(parseJson((await Body?.transformToString()) ?? ""));
      if (!state.success) continue; // not a Terraform state
      found.push({ name, app, bucket, since, changed, ...summarize(state.data) });
    }
  }
  return found;
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
