/** Why a pipeline's JSON Schema is refused at synth. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type * as Ajv from "ajv/dist/2020";
import { SCHEMA_OPTIONS } from "../../functions/pipelines/contract";
import { isCatastrophic } from "../../functions/shared/bounded-evaluation";

/** Comparing each item with each other takes 10 ms for 500 objects, 5 s for 16,000. */
const MAX_UNIQUE_ITEMS = 500;

const SCALARS: ReadonlySet<unknown> = new Set(["string", "number", "integer", "boolean", "null"]);

/** A hundred files, for a pipeline that has a schema only. */
function loadAjv(): typeof Ajv {
  const ajv: unknown = createRequire(resolve("package.json"))("ajv/dist/2020");
  if (!isAjv(ajv)) throw new TypeError("ajv has no Ajv2020");
  return ajv;
}

function isAjv(module: unknown): module is typeof Ajv {
  // The class itself, with its names.
  return typeof module === "function" && "Ajv2020" in module;
}

/** Undefined for a schema that compiles, and that can be evaluated in a short time whatever the message. */
export function schemaFault(schema: object): string | undefined {
  const { Ajv2020 } = loadAjv();
  try {
    new Ajv2020(SCHEMA_OPTIONS).compile(schema);
  } catch (error) {
    return `is not a JSON Schema: ${error instanceof Error ? error.message : String(error)}`;
  }
  return slowKeyword(schema, "");
}

function slowKeyword(value: unknown, path: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const keywords = new Map<string, unknown>(Object.entries(value));
  if (keywords.get("uniqueItems") === true && !hasFewItems(keywords) && !hasScalarItems(keywords))
    return `has uniqueItems at ${path || "/"}, which needs maxItems of at most ${MAX_UNIQUE_ITEMS} beside it, or items of a scalar type`;
  const patterns = [keywords.get("pattern"), ...Object.keys(Object(keywords.get("patternProperties")) as object)];
  if (patterns.some((pattern) => typeof pattern === "string" && isCatastrophic(pattern)))
    return `has a pattern at ${path || "/"} that can take exponential time: rewrite it without nested repetition`;
  for (const [keyword, child] of keywords) {
    const fault = slowKeyword(child, `${path}/${keyword}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function hasFewItems(keywords: ReadonlyMap<string, unknown>): boolean {
  const maxItems = keywords.get("maxItems");
  return typeof maxItems === "number" && maxItems <= MAX_UNIQUE_ITEMS;
}

function hasScalarItems(keywords: ReadonlyMap<string, unknown>): boolean {
  const items = keywords.get("items");
  if (typeof items !== "object" || items === null || !("type" in items)) return false;
  return (Array.isArray(items.type) ? (items.type as unknown[]) : [items.type]).every((type) => SCALARS.has(type));
}
