/** The keys of the emulator on this machine: random for each run, and readable by their owner only. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ANY_KEYS, EMULATOR_PROFILE, emulatorKeysFile } from "../../modules/constructs/emulator-keys";

export interface EmulatorKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** In the shape of AWS's: 20 capital letters and digits, and 40 characters. */
export function randomKeys(random: (size: number) => Buffer = randomBytes): EmulatorKeys {
  return {
    accessKeyId: `ALMANAC${random(8).toString("hex").toUpperCase().slice(0, 13)}`,
    secretAccessKey: random(30).toString("base64url"),
  };
}

export async function writeKeys(endpoint: string, keys: EmulatorKeys): Promise<void> {
  const file = emulatorKeysFile(endpoint);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // A file that exists would keep its mode.
  await rm(file, { force: true });
  const lines = [
    `[${EMULATOR_PROFILE}]`,
    `aws_access_key_id = ${keys.accessKeyId}`,
    `aws_secret_access_key = ${keys.secretAccessKey}`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`, { mode: 0o600, flag: "wx" });
}

/** The keys that the emulator at an endpoint was started with; for any other emulator keys that mean nothing. */
export function keysOf(endpoint: string): EmulatorKeys {
  let text: string;
  try {
    text = readFileSync(emulatorKeysFile(endpoint), "utf8");
  } catch {
    return ANY_KEYS;
  }
  const [, accessKeyId] = /^aws_access_key_id = (\S+)$/m.exec(text) ?? [];
  const [, secretAccessKey] = /^aws_secret_access_key = (\S+)$/m.exec(text) ?? [];
  return accessKeyId === undefined || secretAccessKey === undefined ? ANY_KEYS : { accessKeyId, secretAccessKey };
}

export async function removeKeys(endpoint: string): Promise<void> {
  await rm(emulatorKeysFile(endpoint), { force: true });
}
