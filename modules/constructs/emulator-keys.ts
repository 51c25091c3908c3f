/** Where the keys of an emulator that `npm start` has started are: in AWS's format of shared credentials, for Terraform and for scripts. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Relative to the project. */
const FOLDER = ".almanac/emulator/keys";

/** No profile of a person's own configuration has this name. */
export const EMULATOR_PROFILE = "almanac-emulator";

/** By the port: one emulator at a time has it. */
export function emulatorKeysFile(endpoint: string): string {
  const { port, protocol } = new URL(endpoint);
  return resolve(join(FOLDER, port || (protocol === "https:" ? "443" : "80")));
}

/** Another emulator, such as LocalStack, accepts any keys. These keep real ones from being sent. */
export const ANY_KEYS = { accessKeyId: "test", secretAccessKey: "test" };

export type TerraformKeys =
  | { readonly profile: string; readonly sharedCredentialsFiles: string[] }
  | { readonly accessKey: string; readonly secretKey: string };

/** Arguments of Terraform's AWS provider and S3 backend. The keys themselves are in no file that Terraform writes. */
export function terraformKeys(endpoint: string): TerraformKeys {
  const file = emulatorKeysFile(endpoint);
  if (existsSync(file)) return { profile: EMULATOR_PROFILE, sharedCredentialsFiles: [file] };
  return { accessKey: ANY_KEYS.accessKeyId, secretKey: ANY_KEYS.secretAccessKey };
}
