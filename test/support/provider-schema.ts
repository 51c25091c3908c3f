/** The AWS provider's own schema, as Terraform prints it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { REQUIRED_PROVIDERS } from "../../modules/constructs/versions";
import { terraform } from "../../scripts/terraform/terraform";

interface Block {
  readonly attributes: Readonly<
    Record<
      string,
      { readonly type?: unknown; readonly optional: boolean; readonly required: boolean; readonly computed: boolean }
    >
  >;
  readonly block_types: Readonly<Record<string, { readonly block: Block }>>;
}
const blockSchema: z.ZodType<Block> = z.object({
  attributes: z
    .record(
      z.string(),
      z.object({
        type: z.unknown().optional(),
        optional: z.boolean().default(false),
        required: z.boolean().default(false),
        computed: z.boolean().default(false),
      }),
    )
    .default({}),
  get block_types() {
    return z.record(z.string(), z.object({ block: blockSchema })).default({});
  },
});

const schemasSchema = z.object({
  provider_schemas: z.record(
    z.string(),
    z.object({ resource_schemas: z.record(z.string(), z.object({ block: z.unknown() })) }),
  ),
});

/** The schema of one resource type. */
export type SchemaOf = (type: string) => Block;

export async function providerSchema(): Promise<SchemaOf> {
  const cwd = mkdtempSync(join(tmpdir(), "almanac-schema-"));
  try {
    writeFileSync(join(cwd, "main.tf.json"), JSON.stringify({ terraform: { required_providers: REQUIRED_PROVIDERS } }));
    await terraform(["init", "-no-color"], { cwd });
    const printed = schemasSchema.parse(JSON.parse(await terraform(["providers", "schema", "-json"], { cwd })));
    const [provider] = Object.values(printed.provider_schemas);
    return (type) => blockSchema.parse(provider?.resource_schemas[type]?.block);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
