/** The code that Terraform has deployed to each function. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LambdaClient, paginateListFunctions, UpdateFunctionCodeCommand } from "@aws-sdk/client-lambda";
import type { Resource } from "../../../modules/synthesized/resources";
import { readState, resourcesOfState } from "../../terraform/state";
import { awsSettingsOf, readStateBackend } from "../../terraform/state-bucket";

export interface DeployedFunction {
  /** `almanac-local-timers-api` */
  readonly name: string;
  /** Absolute path. */
  readonly zipFile: string;
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

/** The functions of a stack, whose code Terraform uploads as `<function>.zip` from its folder. None: it is not deployed. */
export async function deployedFunctions(stackDirectory: string): Promise<readonly DeployedFunction[]> {
  const state = await readState(await readStateBackend(stackDirectory));
  if (state === undefined) return [];
  return Promise.all(
    zipsOf(resourcesOfState(state)).map(async ({ name, source }) => {
      const zipFile = join(stackDirectory, source);
      return { name, zipFile, codeSha256: codeSha256Of(await readFile(zipFile)) };
    }),
  );
}

export function zipsOf(resources: readonly Resource[]): readonly { readonly name: string; readonly source: string }[] {
  return resources.flatMap(({ type, values: { key, source } }) =>
    type === "aws_s3_object" && typeof key === "string" && typeof source === "string" && key.endsWith(".zip")
      ? [{ name: key.slice(0, -".zip".length), source }]
      : [],
  );
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
  const lambda = new LambdaClient(awsSettingsOf(await readStateBackend(stackDirectory)));
  try {
    const current = await currentCode(lambda);
    const changed = (await deployedFunctions(stackDirectory)).filter(
      ({ name, codeSha256 }) => current.has(name) && current.get(name) !== codeSha256,
    );
    for (const { name, zipFile } of changed)
      await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: await readFile(zipFile) }));
    return changed.map(({ name }) => name);
  } finally {
    lambda.destroy();
  }
}
