/** The code that Terraform has deployed to each function. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LambdaClient, paginateListFunctions, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import * as z from "zod";
import type { Resource } from "../../../modules/synthesized/resources";
import { readState, resourcesOfState } from "../../terraform/state";
import { awsSettingsOf, readStateBackend, type StateBackend } from "../../terraform/state-bucket";

export interface DeployedFunction {
  /** `almanac-local-timers-api` */
  readonly name: string;
  /** Its zip, in the folder of the stack. */
  readonly source: string;
  /** Of the code that Terraform has uploaded, as Lambda gives it: SHA-256 in base64. */
  readonly codeSha256: string;
}

/** The digests of the code that functions have now, by name. */
export async function currentCode(client: LambdaClient): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for await (const { Functions = [] } of paginateListFunctions({ client }, {}))
    for (const { FunctionName = "", CodeSha256 = "" } of Functions) digests.set(FunctionName, CodeSha256);
  return digests;
}

/** The functions of a state, whose code Terraform has uploaded as `<function>.zip`. None: nothing is deployed. */
export async function deployedFunctions(backend: StateBackend): Promise<readonly DeployedFunction[]> {
  const state = await readState(backend);
  return state === undefined ? [] : functionsOf(resourcesOfState(state));
}

const zipSchema = z.object({ key: z.string().endsWith(".zip"), source: z.string(), source_hash: z.string() });

/** As Terraform has uploaded them: what is synthesized now may be other code, and may have been refused. */
export function functionsOf(resources: readonly Resource[]): readonly DeployedFunction[] {
  return resources.flatMap(({ type, values }) => {
    const zip = type === "aws_s3_object" ? zipSchema.safeParse(values).data : undefined;
    if (zip === undefined) return [];
    return [{ name: zip.key.slice(0, -".zip".length), source: zip.source, codeSha256: zip.source_hash }];
  });
}

export function codeSha256Of(zip: Uint8Array): string {
  return createHash("sha256").update(zip).digest("base64");
}

/**
 * Puts the deployed code back into the functions that an earlier session has given other code: Terraform compares with what it has
 * uploaded itself, and does not notice.
 *
 * @returns their names
 */
export async function restoreDeployedCode(stackDirectory: string): Promise<readonly string[]> {
  const backend = await readStateBackend(stackDirectory);
  const lambda = new LambdaClient(awsSettingsOf(backend));
  try {
    const current = await currentCode(lambda);
    const changed = (await deployedFunctions(backend)).filter(
      ({ name, codeSha256 }) => current.has(name) && current.get(name) !== codeSha256,
    );
    for (const { name, source } of changed) {
      const ZipFile = await readFile(join(stackDirectory, source));
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile }));
    }
    return changed.map(({ name }) => name);
  } finally {
    lambda.destroy();
  }
}
