/** Which bundle each deployed function has. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Resource } from "../../../modules/synthesized/resources";

export interface DeployedFunction {
  /** `almanac-local-timers-api` */
  readonly name: string;
  /** Of its code, as Lambda gives it: SHA-256 in base64. */
  readonly codeSha256: string;
}

/**
 * The functions of a state, whose code Terraform uploads as `<function>.zip` from the folder of the stack.
 *
 * @param read the bytes of a file of the stack
 */
export function deployedFunctions(
  resources: readonly Resource[],
  read: (file: string) => Uint8Array,
): readonly DeployedFunction[] {
  return resources.flatMap(({ type, values: { key, source } }) =>
    type === "aws_s3_object" && typeof key === "string" && typeof source === "string" && key.endsWith(".zip")
      ? [{ name: key.slice(0, -".zip".length), codeSha256: codeSha256Of(read(join(source))) }]
      : [],
  );
}

export function codeSha256Of(zip: Uint8Array): string {
  return createHash("sha256").update(zip).digest("base64");
}
