/**
 * Checks a synthesized stack that untrusted code has written, before Terraform plans it with credentials. A plan runs what a
 * configuration names: providers, modules from anywhere, data sources that are programs, functions that read files.
 */
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import * as z from "zod";

/** The stack has something that a plan must not run. The message lists all of it. */
export class ForeignStackError extends Error {
  override readonly name = "ForeignStackError";
  constructor(faults: readonly string[]) {
    super(
      `Not planned, because the stack was written by unreviewed code and has what only reviewed code may have:\n` +
        faults.map((fault) => `- ${fault}`).join("\n"),
    );
  }
}

const text = z.string();
const anything = z.unknown().optional();
const byName = <T extends z.ZodType>(values: T) => z.record(z.string(), values);

/** Their reads return names of the account, nothing that is stored in it. */
const dataSchema = z.strictObject({
  aws_caller_identity: byName(anything).optional(),
  aws_partition: byName(anything).optional(),
  aws_region: byName(anything).optional(),
});

const resourceSchema = z
  .record(text, anything)
  .refine((fields) => !("provisioner" in fields || "connection" in fields), "has a provisioner");

const fileSchema = z.strictObject({
  "//": anything,
  terraform: z
    .strictObject({
      backend: z
        .strictObject({
          s3: z.strictObject({ bucket: text, key: text, region: text, encrypt: anything, use_lockfile: anything }),
        })
        .optional(),
      required_version: anything,
      required_providers: z
        .strictObject({ aws: z.strictObject({ source: z.enum(["aws", "hashicorp/aws"]), version: text }) })
        .optional(),
    })
    .optional(),
  provider: z
    .strictObject({
      aws: z.array(z.strictObject({ region: text, default_tags: anything, allowed_account_ids: anything })),
    })
    .optional(),
  data: dataSchema.optional(),
  resource: z
    .record(
      text.regex(/^(aws_\w+|terraform_data)$/, "is no resource of AWS"),
      byName(z.union([resourceSchema, z.array(resourceSchema)])),
    )
    .optional(),
  module: byName(
    z.looseObject({ source: text.regex(/^\.\/modules\/[\w-]+$/, "is no folder of the stack") }),
  ).optional(),
  variable: anything,
  output: anything,
  locals: anything,
});

/** What HCL skips between the words of an expression: space, line breaks and comments. */
const SKIPPED = String.raw`(?:\s|/\*[^]*?\*/|(?://|#)[^\n]*(?:\n|$))*`;

/** Functions that read files, except for the hash of an asset of the stack. */
const READS_FILES = new RegExp(
  String.raw`(?<![\w.])(?:file\w*|templatefile|templatestring|pathexpand|abspath)${SKIPPED}\(|(?<![\w.])provider${SKIPPED}::`,
);
const ASSET_HASH = /file(?:base64sha256|md5)\("\$\{path\.module\}\/assets\/[\w-]+\.zip"\)/g;

/** Terraform reads both syntaxes alike, and only JSON can be checked: modules are planned from their JSON, not from their HCL. */
const MODULE_JSON = /^(modules\/[\w-]+)\/module\.json$/;
const MODULE_HCL = /^modules\/[\w-]+\/[\w-]+\.tf$/;
const COPIED_AS_IT_IS = /^(cdk\.tf\.json|modules\/[\w-]+\/(NOTICE|assets\/[\w.-]+\.zip))$/;

/**
 * Checks the stack and copies what Terraform may read of it.
 *
 * @param into a folder for the copy, which is emptied first
 * @throws ForeignStackError
 */
export async function copyForeignStack(directory: string, into: string): Promise<void> {
  const faults: string[] = [];
  const copies: (readonly [from: string, to: string])[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path).replaceAll("\\", "/");
    if (entry.isDirectory()) continue;
    const [, module] = MODULE_JSON.exec(name) ?? [];
    if (!entry.isFile()) faults.push(`${name}: is no ordinary file`);
    else if (module !== undefined) copies.push([path, `${module}/main.tf.json`]);
    else if (COPIED_AS_IT_IS.test(name)) copies.push([path, name]);
    else if (!MODULE_HCL.test(name)) faults.push(`${name}: is no file of a stack`);
  }
  await rm(into, { recursive: true, force: true });
  for (const [from, name] of copies) {
    const to = join(into, name);
    await mkdir(dirname(to), { recursive: true });
    if (!name.endsWith(".tf.json")) {
      await copyFile(from, to);
      continue;
    }
    const json = jsonOf(await readFile(from, "utf8"));
    faults.push(...(json === undefined ? [`${name}: is no JSON of a stack`] : faultsOf(name, json)));
    // Written again, because Terraform reads every one of two equal names: what was checked is what it reads.
    await writeFile(to, JSON.stringify(json ?? {}));
  }
  if (faults.length > 0) throw new ForeignStackError(faults);
}

function jsonOf(content: string): unknown {
  try {
    return JSON.parse(content, (name, value: unknown) => {
      // A name like any other to Terraform. A schema does not see it.
      if (name === "__proto__") throw new SyntaxError(name);
      return value;
    });
  } catch {
    return undefined;
  }
}

function faultsOf(name: string, json: unknown): readonly string[] {
  const { error } = fileSchema.safeParse(json);
  const shape = error?.issues.map(({ path, message }) => `${name}: ${path.join(".")}: ${message}`) ?? [];
  const read = [...new Set(templatesIn(json).filter((template) => READS_FILES.test(template.replace(ASSET_HASH, ""))))];
  return [...shape, ...read.map((template) => `${name}: reads a file: ${JSON.stringify(template.slice(0, 80))}`)];
}

/** Every string that Terraform evaluates, names of properties too. */
function templatesIn(value: unknown): readonly string[] {
  if (typeof value === "string") return /[$%]\{/.test(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [...templatesIn(name), ...templatesIn(item)]);
}
