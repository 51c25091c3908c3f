import { classesOf } from "../../scripts/review/findings";
import { NOT_CLASSIFIED, TYPES } from "../../scripts/review/classification";
import { RULES } from "../../scripts/review/rules";
import { EVERYTHING } from "../support/everything";
import { providerSchema, type SchemaOf } from "../support/provider-schema";
import { synthesize, type TerraformJson } from "../support/synthesized";

const { root, modules } = synthesize(EVERYTHING);
const stacks: readonly TerraformJson[] = [root, ...Object.values(modules)];
const types = [...new Set(stacks.flatMap(({ resource }) => Object.keys(resource)))].filter((type) =>
  type.startsWith("aws_"),
);
let schemaOf: SchemaOf;

beforeAll(async () => {
  schemaOf = await providerSchema();
});

describe("the review's classification", () => {
  it("covers every resource type of ours", () => {
    expect(types.filter((type) => TYPES[type] === undefined)).toEqual([]);
  });

  it("covers every attribute and block of these types that the provider has, and no other", () => {
    for (const [type, known] of Object.entries(TYPES)) {
      if (!type.startsWith("aws_")) continue;
      const { attributes, block_types: blocks } = schemaOf(type);
      const settable = Object.entries(attributes).filter(([, { optional, required }]) => optional || required);
      const all = [...settable.map(([name]) => name), ...Object.keys(blocks)].filter(
        (name) => !NOT_CLASSIFIED.has(name),
      );
      const classified = [...classesOf(known).keys()].filter((name) => name !== "");
      expect({ type, missing: all.filter((name) => !classified.includes(name)) }).toEqual({ type, missing: [] });
      expect({ type, unknown: classified.filter((name) => !all.includes(name)) }).toEqual({ type, unknown: [] });
    }
  });

  it("has rules for types that it covers only", () => {
    expect(RULES.filter(({ type }) => TYPES[type] === undefined)).toEqual([]);
  });
});

/** Numbers that are left out of a nested block, which the provider may send as zero: what AWS makes of that zero. */
const ZEROS: Readonly<Record<string, string>> = {
  "aws_cloudfront_distribution.default_cache_behavior.min_ttl": "the cache policy decides",
  "aws_cloudfront_distribution.origin.connection_attempts": "the provider sends its default, 3",
  "aws_cloudfront_distribution.origin.connection_timeout": "the provider sends its default, 10",
  "aws_glue_catalog_table.storage_descriptor.number_of_buckets": "0 is a table without buckets",
};

describe("a number that is left out of a block", () => {
  it("is set, or known to be harmless as zero", () => {
    const found = new Set<string>();
    for (const { resource } of stacks)
      for (const [type, named] of Object.entries(resource))
        if (type.startsWith("aws_"))
          for (const values of Object.values(named)) unsetNumbers(schemaOf(type), values, type, found);
    expect([...found].filter((path) => !(path in ZEROS))).toEqual([]);
    expect(Object.keys(ZEROS).filter((path) => !found.has(path))).toEqual([]);
  });
});

function unsetNumbers(
  block: ReturnType<SchemaOf>,
  values: object,
  path: string,
  found: Set<string>,
  nested = false,
): void {
  const set = new Map(Object.entries(values));
  if (nested)
    for (const [name, { type, optional, computed }] of Object.entries(block.attributes))
      if (type === "number" && optional && !computed && set.get(name) === undefined) found.add(`${path}.${name}`);
  for (const [name, { block: inner }] of Object.entries(block.block_types))
    for (const item of [set.get(name) ?? []].flat() as readonly unknown[])
      if (typeof item === "object" && item !== null) unsetNumbers(inner, item, `${path}.${name}`, found, true);
}
