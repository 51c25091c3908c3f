/** Gives Terraform variables the defaults and validations of the configuration's zod schemas. */
import type { TerraformVariableValidationConfig } from "cdktf";
import * as z from "zod";
import { literalOf } from "../hcl/expression";
import { escapeLiteral } from "../hcl/template";

/** The schema's default, as Terraform's; undefined: the variable is required. */
export function defaultOf(schema: z.ZodType): unknown {
  const { success, data } = schema.safeParse(undefined);
  return success ? data : undefined;
}

/**
 * Terraform would refuse the value in every plan.
 *
 * @throws when the value of a variable is not what the variable's schema says
 */
export function requireValid(name: string, schema: z.ZodType, value: unknown): void {
  const { error } = schema.safeParse(unescaped(value));
  if (error !== undefined) throw new Error(`The value of var.${name} is not of its schema:\n${z.prettifyError(error)}`);
}

/** The inverse of escapeTemplate. */
function unescaped(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/([$%])\1(?=\{)/g, "$1");
  if (Array.isArray(value)) return value.map(unescaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [String(unescaped(key)), unescaped(item)]));
}

const jsonSchemaSchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  pattern: z.string().optional(),
  get items() {
    return jsonSchemaSchema.optional();
  },
  get properties() {
    return z.record(z.string(), jsonSchemaSchema).optional();
  },
  required: z.array(z.string()).default([]),
  get additionalProperties() {
    return z.union([z.boolean(), jsonSchemaSchema]).optional();
  },
  propertyNames: z.looseObject({ pattern: z.string().optional() }).optional(),
});
type JsonSchema = z.output<typeof jsonSchemaSchema>;

/** A condition on one field, in terms of an expression for the value that has it. */
interface Rule {
  /** `[*].timeoutSeconds`; empty: the value itself. */
  readonly path: string;
  readonly condition: string;
  readonly reason: string;
}

/**
 * What of a schema Terraform can check: types, ranges, lengths, patterns, unknown and missing fields. The functions check everything again
 * when they read their configuration.
 *
 * @param name the variable's
 */
export function validationsOf(name: string, schema: z.ZodType): TerraformVariableValidationConfig[] {
  return rulesOf(jsonSchemaOf(schema), `var.${name}`, 0).map(({ path, condition, reason }) => ({
    condition: `\${${condition}}`,
    errorMessage: escapeLiteral(`${name}${path}: ${reason}`),
  }));
}

/** Environments share their schemas. */
const jsonSchemas = new WeakMap<z.ZodType, JsonSchema>();

function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const known = jsonSchemas.get(schema);
  if (known !== undefined) return known;
  const json = jsonSchemaSchema.parse(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  jsonSchemas.set(schema, json);
  return json;
}

function rulesOf(schema: JsonSchema, value: string, depth: number): readonly Rule[] {
  const own = conditionOf(schema, value);
  return [
    ...(own === undefined ? [] : [{ path: "", ...own }]),
    ...(schema.items === undefined ? [] : eachOf(schema.items, value, depth)),
    ...(typeof schema.additionalProperties === "object" ? eachOf(schema.additionalProperties, value, depth) : []),
    ...namesOf(schema, value),
    ...fieldsOf(schema, value, depth),
  ];
}

/** The rules of the items of a list, or of the values of a map. */
function eachOf(items: JsonSchema, value: string, depth: number): readonly Rule[] {
  const item = depth === 0 ? "item" : `item${depth}`;
  return rulesOf(items, item, depth + 1).map(({ path, condition, reason }) => ({
    path: `[*]${path}`,
    condition: `alltrue([for ${item} in ${value} : ${condition}])`,
    reason,
  }));
}

/** The rule of a map's names. */
function namesOf({ propertyNames }: JsonSchema, value: string): readonly Rule[] {
  const rule = textCondition({ required: [], ...propertyNames }, "name");
  if (rule === undefined) return [];
  return [
    {
      path: "",
      condition: `alltrue([for name in keys(${value}) : ${rule.condition}])`,
      reason: `a name ${rule.reason}`,
    },
  ];
}

/** The rules of an object's fields. An optional field may be missing. */
function fieldsOf(
  { properties, required, additionalProperties }: JsonSchema,
  value: string,
  depth: number,
): readonly Rule[] {
  if (properties === undefined) return [];
  const names = Object.keys(properties);
  const known: Rule[] =
    additionalProperties === false
      ? [
          {
            path: "",
            condition: `length(setsubtract(keys(${value}), ${listOf(names)})) == 0`,
            reason: `has a field that is none of ${names.join(", ")}`,
          },
        ]
      : [];
  const missing = required.filter((name) => names.includes(name));
  const complete: Rule[] =
    missing.length === 0
      ? []
      : [
          {
            path: "",
            condition: missing.map((name) => `can(${value}.${name})`).join(" && "),
            reason: `needs ${missing.join(", ")}`,
          },
        ];
  const fields = Object.entries(properties).flatMap(([name, schema]) =>
    rulesOf(schema, `${value}.${name}`, depth).map(({ path, condition, reason }) => ({
      path: `.${name}${path}`,
      condition: `(!can(${value}.${name}) || try(${condition}, false))`,
      reason,
    })),
  );
  return [...known, ...complete, ...fields];
}

/** On one line, as conditions are. */
function listOf(values: readonly unknown[]): string {
  return `[${values.map(literalOf).join(", ")}]`;
}

function conditionOf(schema: JsonSchema, value: string): Omit<Rule, "path"> | undefined {
  if (schema.enum !== undefined)
    return {
      condition: `contains(${listOf(schema.enum)}, ${value})`,
      reason: `is none of ${schema.enum.map(String).join(", ")}`,
    };
  switch (schema.type) {
    case "integer":
    case "number":
      return numberCondition(schema, value);
    case "string":
      return textCondition(schema, value);
    case "boolean":
      return { condition: `can(tobool(${value}))`, reason: "is not true or false" };
    case "array":
      return allOf(lengthLimits(value, schema.minItems, schema.maxItems, "items"));
    default:
      return undefined;
  }
}

function numberCondition({ type, minimum, maximum, exclusiveMinimum }: JsonSchema, value: string) {
  const least = isBound(minimum) ? [`${value} >= ${minimum}`] : [];
  const more = isBound(exclusiveMinimum) ? [`${value} > ${exclusiveMinimum}`] : [];
  const most = isBound(maximum) ? [`${value} <= ${maximum}`] : [];
  const whole = type === "integer" ? [`floor(${value}) == ${value}`] : [];
  const range = [
    ...(least.length > 0 ? [`from ${String(minimum)}`] : []),
    ...(more.length > 0 ? [`above ${String(exclusiveMinimum)}`] : []),
    ...(most.length > 0 ? [`to ${String(maximum)}`] : []),
  ].join(" ");
  const conditions = [...whole, ...least, ...more, ...most];
  const what = type === "integer" ? "a whole number" : "a number";
  return {
    condition: conditions.length === 0 ? `can(tonumber(${value}))` : conditions.join(" && "),
    reason: `is not ${what}${range === "" ? "" : ` ${range}`}`,
  };
}

/** zod gives integers the bounds of JavaScript's. */
function isBound(bound: number | undefined): bound is number {
  return bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
}

/** Go's regular expressions have no look-around. */
const LOOK_AROUND = /\(\?<?[=!]/;

function textCondition({ pattern, minLength, maxLength }: JsonSchema, value: string) {
  const limits = [
    ...(pattern === undefined || LOOK_AROUND.test(pattern)
      ? []
      : [{ condition: `can(regex(${literalOf(pattern)}, ${value}))`, reason: `does not match ${pattern}` }]),
    ...lengthLimits(value, minLength, maxLength, "characters"),
  ];
  return allOf(limits);
}

function lengthLimits(value: string, least: number | undefined, most: number | undefined, unit: string) {
  return [
    ...(least === undefined
      ? []
      : [{ condition: `length(${value}) >= ${least}`, reason: `has fewer than ${least} ${unit}` }]),
    ...(most === undefined
      ? []
      : [{ condition: `length(${value}) <= ${most}`, reason: `has more than ${most} ${unit}` }]),
  ];
}

function allOf(limits: readonly Omit<Rule, "path">[]): Omit<Rule, "path"> | undefined {
  if (limits.length === 0) return undefined;
  return {
    condition: limits.map(({ condition }) => condition).join(" && "),
    reason: limits.map(({ reason }) => reason).join(", or "),
  };
}
