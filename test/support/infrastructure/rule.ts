/** Assertions about synthesized resources, attribute by attribute: what matters and why, or why it does not. */
import { groupBy } from "../../../functions/shared/group-by";
import type { Resource } from "../../../modules/synthesized/resources";

/** The resources of an environment. */
export interface World {
  readonly resources: readonly Resource[];
  /** `almanac-staging` */
  readonly prefix: string;
  readonly protectsData: boolean;
}

/** `value` is undefined where the resource does not have the attribute. */
export type Check = (value: unknown, resource: Resource, world: World) => boolean;

/** A rule of an attribute: holds for every resource of its type. */
export type Rule =
  | {
      readonly why: string;
      readonly check: Check;
      /** Why the value of another resource would be as good. @default it would not */
      readonly alike?: string;
    }
  | { readonly indifferent: string };

/** Rules of a resource type by path. Blocks in lists are entered: `rule.apply_server_side_encryption_by_default.sse_algorithm`. */
export type Rules = Readonly<Record<string, Rule>>;

export const must = (why: string, check: Check, alike?: string): Rule => ({
  why,
  check,
  ...(alike !== undefined && { alike }),
});
export const is = (expected: unknown, why: string): Rule =>
  must(why, (value) => JSON.stringify(value) === JSON.stringify(expected));
export const within = (least: number, most: number, why: string, alike?: string): Rule =>
  must(why, (value) => typeof value === "number" && value >= least && value <= most, alike);
export const indifferent = (reason: string): Rule => ({ indifferent: reason });
export const FOR_PEOPLE = indifferent("text for people");

/** Equal to what its name, its place or another resource says. Undefined: the attribute must not be there. */
export const equals = (why: string, expected: (resource: Resource, world: World, value: unknown) => unknown): Rule =>
  must(why, (value, resource, world) => JSON.stringify(value) === JSON.stringify(expected(resource, world, value)));

/** The name in Terraform: `check_policy`. */
export const nameOf = ({ address }: Resource) => address.split(".").at(-1) ?? "";

/** Its name within its workflow: what belongs to the workflow `refund` begins with it, `refund_sweep`. */
export const memberOf = ({ module }: Pick<Resource, "module">, name: string) =>
  module === "workflows" ? name.replace(/^refund_/, "") : name;

/** `check_policy`, `_policy` -> `check` */
export const withoutSuffix = (resource: Resource, suffix: string) =>
  nameOf(resource).endsWith(suffix) ? nameOf(resource).slice(0, -suffix.length) : "";

/** A reference to another resource of the same module. */
export const reference = ({ module }: Pick<Resource, "module">, type: string, name: string, attribute: string) =>
  `\${${module === "" ? "" : `module.${module}.`}${type}.${name}.${attribute}}`;

/** A resource of the same module. */
export const neighbour = (world: World, resource: Resource, type: string, name: string): Resource | undefined =>
  neighbours(world, resource, type).find((each) => nameOf(each) === name);

/** Whether the resource has all of these, each named after it. @param suffixes by type */
export const hasParts = (world: World, resource: Resource, suffixes: Readonly<Record<string, string>>): boolean =>
  Object.entries(suffixes).every(
    ([type, suffix]) => neighbour(world, resource, type, `${nameOf(resource)}${suffix}`) !== undefined,
  );

/** `almanac-staging-timers-dispatch-errors`. @param name in Terraform, with underscores */
export const physicalName = (resource: Resource, { prefix }: World, name = nameOf(resource)) =>
  `${prefix}-${resource.module}-${name.replaceAll("_", "-")}`;
export const PHYSICAL_NAME = equals("is where it is in the module", (resource, world) => physicalName(resource, world));

/** An ARN in the module's account and region. */
export const arnOf = ({ module }: Resource, service: string, name: string) => {
  const data = `\${module.${module}.data.`;
  return `arn:${data}aws_partition.partition.partition}:${service}:${data}aws_region.region.name}:${data}aws_caller_identity.account.account_id}:${name}`;
};

const indexes = new WeakMap<readonly Resource[], ReadonlyMap<string, readonly Resource[]>>();

/** Resources of a type in the same module. */
export function neighbours({ resources }: World, { module }: Resource, type: string): readonly Resource[] {
  let index = indexes.get(resources);
  if (index === undefined) {
    index = groupBy(resources, (each) => `${each.module} ${each.type}`);
    indexes.set(resources, index);
  }
  return index.get(`${module} ${type}`) ?? [];
}

/** The owner of the resource is the neighbour of this type whose name is the longest beginning of its own. */
export function ownerOf(world: World, resource: Resource, type: string): Resource | undefined {
  const name = nameOf(resource);
  return [...neighbours(world, resource, type)]
    .filter((each) => name === nameOf(each) || name.startsWith(`${nameOf(each)}_`))
    .sort((a, b) => nameOf(b).length - nameOf(a).length)[0];
}

/** Refers to a neighbour, which is there. */
export const refersTo = (
  type: string,
  attribute: string,
  why: string,
  name: (resource: Resource, world: World) => string | undefined,
): Rule =>
  must(why, (value, resource, world) => {
    const target = name(resource, world);
    return (
      target !== undefined &&
      neighbour(world, resource, type, target) !== undefined &&
      value === reference(resource, type, target, attribute)
    );
  });

/** The values at a path: one for each block that could have it, undefined where it is missing. */
export function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  const [key, ...rest] = path;
  if (key === undefined) return [value];
  if (Array.isArray(value))
    return value.length === 0 ? [undefined] : value.flatMap((item: unknown) => valuesAt(item, path));
  if (typeof value !== "object" || value === null) return [undefined];
  return valuesAt((value as Readonly<Record<string, unknown>>)[key], rest);
}

export const textAt = ({ values }: Resource, path: string): string => String(valuesAt(values, path.split("."))[0]);

/** A text, or a list of texts. */
export const textsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === "string");

/** The statements of a policy; none for text that is no policy. */
export function statementsOf(policy: unknown): readonly Readonly<Record<string, unknown>>[] {
  const document = parsed(policy);
  const statements = "Statement" in document ? document.Statement : [];
  return Array.isArray(statements) ? (statements as readonly Readonly<Record<string, unknown>>[]) : [];
}

const documents = new Map<string, object>();

/** A JSON text's object; an empty one for other text. */
export function parsed(text: unknown): object {
  if (typeof text !== "string") return {};
  let document = documents.get(text);
  if (document === undefined) {
    try {
      const value: unknown = JSON.parse(text);
      document = typeof value === "object" && value !== null ? value : {};
    } catch {
      document = {};
    }
    documents.set(text, document);
  }
  return document;
}

/** The same statements in any order of their fields. */
export const sameStatements = (policy: unknown, expected: readonly object[]): boolean =>
  canonical(statementsOf(policy)) === canonical(expected) &&
  "Version" in parsed(policy) &&
  canonical(parsed(policy)) === canonical({ Statement: expected, Version: "2012-10-17" });

export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
