/** Terraform's record of a stack's backend, on an emulator. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";

const fieldsSchema = z.record(z.string(), z.unknown());
const writtenSchema = z.object({ terraform: z.object({ backend: z.object({ s3: fieldsSchema }) }) });
const recordSchema = z.object({ backend: z.object({ config: fieldsSchema }) });

/**
 * Removes Terraform's record of a stack's backend if it names another one. Terraform would refuse to go on ("Backend configuration
 * changed"), because a state may have to be migrated. Use it for emulators only, whose state stays with them: `cdktf diff local` failed
 * after `npm start` had chosen another port.
 *
 * @param stack the folder of the synthesized stack
 * @param written the stack's `S3Backend`, as synthesized
 */
export function forgetOtherBackend(stack: string, written: unknown): void {
  const file = join(stack, ".terraform", "terraform.tfstate");
  const recorded = readRecord(file);
  if (recorded === undefined) return;
  const backend = writtenSchema.parse(written).terraform.backend.s3;
  if (!has(recorded.backend.config, backend)) rmSync(file);
}

/** Terraform records null for every argument that is absent. */
function has(recorded: unknown, written: unknown): boolean {
  const [record, fields] = [recorded, written].map((value) => fieldsSchema.safeParse(value).data);
  if (record === undefined || fields === undefined) return isDeepStrictEqual(recorded ?? null, written ?? null);
  return Object.entries(fields).every(([name, value]) => has(record[name], value));
}

/** Undefined: Terraform has recorded nothing yet. */
function readRecord(file: string): z.output<typeof recordSchema> | undefined {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}
