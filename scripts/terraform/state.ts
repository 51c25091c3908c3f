/** Reads an environment's Terraform state where Terraform keeps it, without Terraform. */
import { GetObjectCommand, S3ServiceException } from "@aws-sdk/client-s3";
import * as z from "zod";
import { awsSettingsOf, type StateBackend } from "./state-bucket";
import type { Resource } from "../../modules/synthesized/resources";
import { createS3Client } from "../shared/aws/s3-client";

const outputSchema = z.object({ value: z.unknown(), sensitive: z.boolean().default(false) });

const resourceSchema = z.object({
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
});

/** A state, as Terraform writes it into its file. Its resources are parsed when they are needed: there are hundreds. */
export const stateSchema = z.object({
  outputs: z.record(z.string(), outputSchema).default({}),
  resources: z.array(z.unknown()),
});
export type State = z.output<typeof stateSchema>;

/** The state of an environment; undefined: it has none, so it is not deployed. */
export async function readState(backend: StateBackend): Promise<State | undefined> {
  const s3 = createS3Client(awsSettingsOf(backend), { followRegionRedirects: true });
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: backend.bucket, Key: backend.key }));
    return stateSchema.parse(JSON.parse((await Body?.transformToString()) ?? "null"));
  } catch (error) {
    if (error instanceof S3ServiceException && ["NoSuchKey", "NoSuchBucket", "NotFound"].includes(error.name))
      return undefined;
    throw error;
  } finally {
    s3.destroy();
  }
}

/** The root outputs by name, without the sensitive ones. */
export function outputsOfState({ outputs }: State): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([, { sensitive }]) => !sensitive)
      .map(([name, { value }]) => [name, value]),
  );
}

/** The managed resources of a state. */
export function resourcesOfState({ resources }: Pick<State, "resources">): readonly Resource[] {
  return z
    .array(resourceSchema)
    .parse(resources)
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
