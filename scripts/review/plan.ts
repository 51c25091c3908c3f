/**
 * Reads the parts of a plan (`terraform show -json`) that a review needs.
 * https://developer.hashicorp.com/terraform/internals/json-format
 */
import * as z from "zod";
import { isUnresolved, resolve, type Scope } from "../../modules/synthesized/expression";
import { fieldsOf, parseJson } from "../shared/fields";
import type { Resource } from "../../modules/synthesized/resources";

const fieldsSchema = z.record(z.string(), z.unknown());

const changeSchema = z.object({
  actions: z.array(z.string()),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  after_unknown: z.unknown().optional(),
  before_sensitive: z.unknown().optional(),
  after_sensitive: z.unknown().optional(),
  replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
  /** Set when the resource exists, and only comes into the state. */
  importing: z.unknown().optional(),
});
export type Change = z.output<typeof changeSchema>;

const resourceChangeSchema = z.object({
  address: z.string(),
  previous_address: z.string().optional(),
  module_address: z.string().default(""),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  /** Set on an object that a failed replacement left behind; it shares its address. */
  deposed: z.string().optional(),
  change: changeSchema,
});
export type ResourceChange = z.output<typeof resourceChangeSchema>;

const resourceSchema = z.object({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  values: fieldsSchema.default({}),
});

/** A module's values: its resources, and the modules that it calls. */
interface ModuleValues {
  readonly resources: readonly z.output<typeof resourceSchema>[];
  readonly child_modules: readonly ModuleValues[];
}
const moduleValuesSchema: z.ZodType<ModuleValues> = z.object({
  resources: z.array(resourceSchema).default([]),
  get child_modules() {
    return z.array(moduleValuesSchema).default([]);
  },
});

/** A module as it is written. An argument is `{ constant_value }`, which in JSON syntax is the template itself. */
export interface ModuleConfiguration {
  readonly resources: readonly { readonly address: string; readonly expressions: Readonly<Record<string, unknown>> }[];
  readonly module_calls: Readonly<
    Record<
      string,
      { readonly expressions: Readonly<Record<string, unknown>>; readonly module?: ModuleConfiguration | undefined }
    >
  >;
}
const moduleConfigurationSchema: z.ZodType<ModuleConfiguration> = z.object({
  resources: z.array(z.object({ address: z.string(), expressions: fieldsSchema.default({}) })).default([]),
  get module_calls() {
    return z
      .record(
        z.string(),
        z.object({ expressions: fieldsSchema.default({}), module: moduleConfigurationSchema.optional() }),
      )
      .default({});
  },
});

const valuesSchema = z.object({ root_module: moduleValuesSchema.optional() });
const planSchema = z.looseObject({
  format_version: z.string().regex(/^1\./, "is a format that this version of Almanac does not know"),
  /** When it was made: the value of plantimestamp(). */
  timestamp: z.string().optional(),
  /** True: Terraform failed while it planned. */
  errored: z.literal(false, "Terraform failed while it planned, so that changes may be missing").default(false),
  /** False: the changes are not all: others follow when this plan is applied. */
  complete: z.boolean().default(true),
  resource_changes: z.array(resourceChangeSchema).default([]),
  /** What changed outside Terraform, as far as the refresh shows it. */
  resource_drift: z.array(resourceChangeSchema).default([]),
  /** Changes that Terraform cannot plan yet. */
  deferred_changes: z.array(z.object({ resource_change: resourceChangeSchema })).default([]),
  output_changes: z.record(z.string(), changeSchema).default({}),
  checks: z
    .array(z.object({ address: z.object({ to_display: z.string() }), status: z.string() }))
    .nullish()
    .transform((checks) => checks ?? []),
  planned_values: valuesSchema.default({}),
  prior_state: z.object({ values: valuesSchema.optional() }).default({}),
  configuration: z.object({ root_module: moduleConfigurationSchema.optional() }).default({}),
});
export type Plan = z.output<typeof planSchema>;

/** Not the JSON of a plan. The message lists what is wrong. */
export class NotAPlanError extends Error {
  override readonly name = "NotAPlanError";
}

/** @throws NotAPlanError */
export function parsePlan(json: string): Plan {
  const parsed = planSchema.safeParse(parseJson(json));
  if (!parsed.success) {
    throw new NotAPlanError(`Not a plan in JSON (terraform show -json):\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** The feature that an address is in: `heartbeats`; empty: the environment itself. */
export function moduleOf(moduleAddress: string): string {
  return moduleAddress.replace(/^module\./, "").replaceAll(".module.", ".");
}

/** The resources before and after the plan. Values that are not known yet are expressions. */
export function resourcesOf(plan: Plan): { readonly before: readonly Resource[]; readonly after: readonly Resource[] } {
  const expressions = new Expressions(plan);
  const after = allResources(plan.planned_values.root_module).map((resource) => ({
    ...resource,
    values: { ...expressions.of(resource.address), ...withoutNulls(resource.values) },
  }));
  return { before: allResources(plan.prior_state.values?.root_module), after };
}

/** The resources of a module, and of those that it calls. Values that are not known yet are missing. */
export function allResources(module: ModuleValues | undefined, only = "managed"): readonly Resource[] {
  if (module === undefined) return [];
  const own = module.resources
    .filter(({ mode }) => mode === only)
    .map(({ address, type, values }) => ({ address, type, values, module: moduleOf(moduleAddressOf(address)) }));
  return [...own, ...module.child_modules.flatMap((child) => allResources(child, only))];
}

/** `module.heartbeats` of `module.heartbeats.aws_sqs_queue.jobs["a.b"]`. */
function moduleAddressOf(address: string): string {
  return /^(?:module\.[^.[]+(?:\["[^"]*"\]|\[\d+\])?\.?)*/.exec(address)?.[0].replace(/\.$/, "") ?? "";
}

/** A value that is not known before the apply is missing from the planned values, or null. */
function withoutNulls(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}

/** The resources' arguments as configured, with everything evaluated that is known before the apply. */
export class Expressions {
  readonly #known = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #written = new Map<
    string,
    { readonly expressions: Readonly<Record<string, unknown>>; readonly scope: Scope }
  >();

  constructor({ prior_state, planned_values, configuration }: Plan) {
    // Data sources are in the prior state. Managed resources are taken from the planned values: the prior ones may be outdated.
    this.#remember(prior_state.values?.root_module, "data");
    this.#remember(planned_values.root_module, "managed");
    const root: Scope = { lookup: (reference) => this.#lookup("", reference, {}) };
    if (configuration.root_module) this.#read(configuration.root_module, root);
  }

  /** A resource's arguments; a value that is not known yet is a template. Blocks are left out. */
  of(address: string): Readonly<Record<string, unknown>> {
    const written = this.#written.get(address.replace(/\[[^\]]*\]$/, ""));
    if (written === undefined) return {};
    return Object.fromEntries(
      Object.entries(written.expressions)
        .map(([name, expression]) => [name, resolve(constantOf(expression), written.scope)] as const)
        .filter(([, value]) => value !== undefined),
    );
  }

  #remember(module: ModuleValues | undefined, only: "data" | "managed"): void {
    for (const { address, mode, values } of module?.resources ?? []) {
      if (mode === only) this.#known.set(address, withoutNulls(values));
    }
    for (const child of module?.child_modules ?? []) this.#remember(child, only);
  }

  #read({ resources, module_calls }: ModuleConfiguration, scope: Scope): void {
    for (const { address, expressions } of resources) {
      this.#written.set(`${scope.prefix ?? ""}${address}`, { expressions, scope });
    }
    for (const [name, { expressions, module }] of Object.entries(module_calls)) {
      if (module === undefined) continue;
      const variables = Object.fromEntries(
        Object.entries(expressions).map(([variable, expression]) => [variable, resolve(constantOf(expression), scope)]),
      );
      const prefix = `${scope.prefix ?? ""}module.${name}.`;
      this.#read(module, { prefix, lookup: (reference) => this.#lookup(prefix, reference, variables) });
    }
  }

  #lookup(prefix: string, reference: string, variables: Readonly<Record<string, unknown>>): unknown {
    const [first = "", second = "", ...rest] = reference.split(".");
    if (first === "var") return rest.length === 0 ? variables[second] : undefined;
    const address = first === "data" ? `data.${second}.${rest.shift() ?? ""}` : `${first}.${second}`;
    const [attribute = "", ...deeper] = rest;
    const known = this.#known.get(`${prefix}${address}`) ?? {};
    // A role's id is its name, which is known before the role exists.
    const value = known[attribute] ?? (first === "aws_iam_role" && attribute === "id" ? known["name"] : undefined);
    return deeper.length > 0 || isUnresolved(value) ? undefined : value;
  }
}

function constantOf(expression: unknown): unknown {
  return fieldsOf(expression)["constant_value"];
}
