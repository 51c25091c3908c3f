/** The licences of the packages in a module's zips, which their licences require to go with them. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** Licences that allow to ship a package inside something else, under a notice. No copyleft. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "MIT-0",
]);

const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** A bundled package has a licence under which it must not be shipped, or none. */
export class LicenceError extends Error {
  override readonly name = "LicenceError";
}

/**
 * @param folders of the packages: `node_modules/zod`
 * @throws LicenceError
 */
export function attributionOf(folders: readonly string[]): string {
  const texts = new Map<string, string[]>();
  for (const { name, text } of [...new Set(folders)].sort().map(licenceOf))
    texts.set(text, [...(texts.get(text) ?? []), name]);
  const sections = [...texts].map(([text, packages]) => `${packages.join("\n")}\n\n${text}\n`);
  return ["The functions of this module contain the following packages.\n", ...sections].join(
    `\n${"-".repeat(80)}\n\n`,
  );
}

interface Licence {
  /** `zod 4.1.0 (MIT)` */
  readonly name: string;
  readonly text: string;
}

/** Modules of one app contain the same packages. */
const licences = new Map<string, Licence>();

function licenceOf(folder: string): Licence {
  const licence = licences.get(folder) ?? readLicence(folder);
  licences.set(folder, licence);
  return licence;
}

function readLicence(folder: string): Licence {
  const parsed = packageSchema.safeParse(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
  if (!parsed.success || !PERMISSIVE.has(parsed.data.license))
    throw new LicenceError(
      `${folder} cannot be part of a function: its licence is ${parsed.data?.license ?? "not stated"}, and not one of ${[...PERMISSIVE].join(", ")}`,
    );
  const { name, version, license } = parsed.data;
  const text = readLicenceText(folder) ?? `${license}. The package contains no text of it.`;
  return { name: `${name} ${version} (${license})`, text };
}

function readLicenceText(folder: string): string | undefined {
  const files = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)([.-].*)?$/i.test(file))
    .sort();
  if (files.length === 0) return undefined;
  return files.map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim()).join("\n\n");
}
