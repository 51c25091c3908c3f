/** Finds the permissions that a plan grants and revokes. */
import * as z from "zod";
import { isUnresolved } from "../../modules/synthesized/expression";
import { fieldsOf, isFields, parseJson } from "../shared/fields";
import type { Expressions, ResourceChange } from "./plan";
import { SENSITIVE } from "./values";

export interface PermissionChange {
  /** `role almanac-staging-heartbeats-check`, or the policy's address: `module.exports.aws_s3_bucket_policy.exports_policy`. */
  readonly owner: string;
  /** Sentences: `Allow sqs:SendMessage on arn:...`. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  /** Those gained that everybody has. */
  readonly opened: readonly string[];
  /** What a policy that stays has denied, and denies no more. */
  readonly undenied: readonly string[];
}

/** One action on one resource. */
interface Grant {
  readonly owner: string;
  readonly effect: string;
  readonly action: string;
  readonly resource: string;
  /** `by {"Service":"events.amazonaws.com"}`, `if {...}`. */
  readonly rest: string;
  /** Whether no principal and no condition says who has it. */
  readonly everybody: boolean;
  /** True: it stands for a policy that is known after the apply, or secret. */
  readonly unread?: boolean;
}

/** In the policy at this address. */
type Held = Grant & { readonly address: string };

const listOf = (item: z.ZodType<string>) => z.union([z.array(item), item.transform((one) => [one])]).optional();
const policySchema = z.object({
  Statement: z.union([z.array(z.looseObject({})), z.looseObject({}).transform((one) => [one])]).pipe(
    z.array(
      z.looseObject({
        Effect: z.string(),
        Action: listOf(z.string()),
        NotAction: listOf(z.string()),
        Resource: listOf(z.string()),
        NotResource: listOf(z.string()),
        Principal: z.unknown().optional(),
        NotPrincipal: z.unknown().optional(),
        Condition: z.unknown().optional(),
      }),
    ),
  ),
});

/** Attributes of AWS resources that contain a policy. */
export const POLICY_ATTRIBUTES: readonly string[] = [
  "policy",
  "assume_role_policy",
  "access_policy",
  "resource_policy",
];

/** By owner, in the order of the plan. Owners without changes are left out. */
export function changedPermissions(
  changes: readonly ResourceChange[],
  expressions: Expressions,
): readonly PermissionChange[] {
  const before: Held[] = [];
  const after: Held[] = [];
  /** Addresses of policies, and owners, whose destruction is judged by their types: that of a role's policy is not, while the role stays. */
  const destroyed = new Set<string>();
  for (const resource of changes) {
    const { change, deposed } = resource;
    if (deposed !== undefined || change.actions.every((action) => action === "no-op" || action === "read")) continue;
    const held = (grant: Grant): Held => ({ ...grant, address: resource.address });
    before.push(...grantsOf(resource, fieldsOf(change.before), change.before_sensitive).map(held));
    const gone = !change.actions.some((action) => action === "create" || action === "update");
    if (gone && !resource.type.startsWith("aws_iam_role_policy")) destroyed.add(resource.address);
    if (resource.type === "aws_iam_role" && change.actions.includes("delete")) {
      const [was, is] = [change.before, change.after].map((role) =>
        ownerOf(resource.type, resource.address, fieldsOf(role)),
      );
      if (was !== undefined && (gone || was !== is)) destroyed.add(was);
    }
    if (gone) continue;
    const planned = Object.entries(fieldsOf(change.after)).filter(([, value]) => value !== null);
    const known = { ...expressions.of(resource.address), ...Object.fromEntries(planned) };
    after.push(...grantsOf(resource, known, change.after_sensitive).map(held));
  }
  const had = new Set(before.map(keyOf));
  const has = new Set(after.map(keyOf));
  const gained = after.filter((grant) => !had.has(keyOf(grant)));
  const lost = before.filter((grant) => !has.has(keyOf(grant)));
  const owners = [...new Set([...before, ...after].map(({ owner }) => owner))];
  return owners
    .map((owner) => ({
      owner,
      gained: sentences(gained.filter((grant) => grant.owner === owner)),
      lost: sentences(lost.filter((grant) => grant.owner === owner)),
      opened: sentences(gained.filter((grant) => grant.owner === owner && grant.everybody)),
      // Of a policy that cannot be read nothing is known.
      undenied: destroyed.has(owner)
        ? []
        : sentences(
            undenied(lost, gained, after).filter(
              ({ owner: its, address }) =>
                its === owner &&
                !destroyed.has(address) &&
                !gained.some((other) => other.address === address && other.unread === true),
            ),
          ),
    }))
    .filter((change) => change.gained.length + change.lost.length > 0);
}

/** Denials that were lost: nothing that the owner has denies as much, and no resource has taken the place of theirs. */
function undenied(lost: readonly Held[], gained: readonly Grant[], after: readonly Grant[]): readonly Held[] {
  const isDenial = ({ effect }: Grant) => effect === "Deny";
  const exposed = lost
    .filter(isDenial)
    .filter((grant) => !after.some((other) => isDenial(other) && covers(other, grant)));
  return groups(exposed, otherwise).flatMap((was) => {
    const [first] = was;
    const is = gained.filter((other) => first !== undefined && otherwise(other) === otherwise(first));
    const isMoved = is.length >= was.length && !was.some((one) => is.some((other) => covers(one, other)));
    return isMoved ? [] : was;
  });
}

/** All but the resource. */
const otherwise = ({ owner, effect, action, rest }: Grant) => JSON.stringify([owner, effect, action, rest]);

function covers(wide: Grant, narrow: Grant): boolean {
  return (
    wide.owner === narrow.owner &&
    wide.rest === narrow.rest &&
    matches(wide.action, narrow.action) &&
    matches(wide.resource, narrow.resource)
  );
}

/** Whether a name or pattern is of a pattern. What is all but a pattern is in `*` only. */
function matches(pattern: string, name: string): boolean {
  if (pattern === name || pattern === "*") return true;
  if (pattern.startsWith(ALL_BUT) || name.startsWith(ALL_BUT)) return false;
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", "[^*]");
  return new RegExp(`^${escaped}$`, "is").test(name);
}

function grantsOf(
  { address, type }: ResourceChange,
  values: Readonly<Record<string, unknown>>,
  sensitive: unknown,
): readonly Grant[] {
  const owner = ownerOf(type, address, values);
  if (type === "aws_lambda_permission") return Object.keys(values).length === 0 ? [] : [invocationGrant(owner, values)];
  if (type === "aws_iam_role_policy_attachment") {
    const policy = text(values["policy_arn"]);
    return policy === ""
      ? []
      : [{ owner, effect: "Allow", action: `everything in ${policy}`, resource: "", rest: "", everybody: false }];
  }
  if (type === "aws_s3_bucket") return []; // repeats its aws_s3_bucket_policy
  return POLICY_ATTRIBUTES.flatMap((attribute) => {
    const policy = values[attribute];
    if (typeof policy !== "string" || policy === "") return [];
    if (fieldsOf(sensitive)[attribute] === true || sensitive === true) return [unreadable(owner, attribute, SENSITIVE)];
    const parsed = policySchema.safeParse(parseJson(policy));
    if (!parsed.success) return [unreadable(owner, attribute, "known after apply")];
    return parsed.data.Statement.flatMap((statement) => grantsOfStatement(owner, statement));
  });
}

const ALL_BUT = "all but ";

type Statement = z.output<typeof policySchema>["Statement"][number];

function grantsOfStatement(owner: string, statement: Statement): readonly Grant[] {
  const { Effect, Action, NotAction, Resource, NotResource, Principal, NotPrincipal, Condition } = statement;
  const rest = [
    ...(Principal === undefined ? [] : [`by ${shown(Principal)}`]),
    ...(NotPrincipal === undefined ? [] : [`by all but ${shown(NotPrincipal)}`]),
    ...(Condition === undefined ? [] : [`if ${shown(Condition)}`]),
  ].join(" ");
  const everybody =
    Effect === "Allow" && (NotPrincipal !== undefined || isEverybody(Principal)) && !namesCallers(Condition);
  const actions = Action ?? NotAction?.map((action) => `${ALL_BUT}${action}`) ?? [];
  const resources = Resource ?? NotResource?.map((resource) => `${ALL_BUT}${resource}`) ?? [""];
  return actions.flatMap((action) =>
    resources.map((resource) => ({
      owner,
      effect: Effect,
      action,
      resource: readable(resource),
      rest: readable(rest),
      everybody,
    })),
  );
}

/** `"*"`, `{ "AWS": "*" }`, `{ "AWS": ["arn:...", "*"] }`. */
function isEverybody(principal: unknown): boolean {
  return isFields(principal) ? Object.values(principal).some(isEverybody) : [principal].flat().includes("*");
}

/** Keys of a request that say who makes it. */
const CALLER =
  /^(aws:(source(arn|account|orgid|orgpaths|ip|vpc|vpcarn|vpce)|principal(arn|account|orgid|orgpaths|servicename|tag\/.+)|userid|username)|kms:calleraccount|[\w-]+:dataaccesspointaccount)$/i;

/** Operators that are false when the request lacks the key: not `...IfExists`, `ForAllValues:...`, `StringNotEquals`. */
const NAMES = /^(foranyvalue:)?(string(equals|like|equalsignorecase)|arn(equals|like)|ipaddress)$/i;

/** Whether a condition limits who may: that a request comes over TLS, or before a date, says nothing of it. */
function namesCallers(condition: unknown): boolean {
  return Object.entries(fieldsOf(condition)).some(
    ([operator, tests]) =>
      NAMES.test(operator) &&
      Object.entries(fieldsOf(tests)).some(
        ([key, values]) => CALLER.test(key) && [values].flat().every((value) => !isAnything(value)),
      ),
  );
}

/**
 * `*`, `arn:*`, `arn:aws:*:*:*:*`; a role or topic of any account, any organization; `0.0.0.0/0`, and half of all addresses. ARNs of S3 have no
 * account.
 */
const ANYTHING = /^(arn:)?(aws:)?[*?:]*$|^arn:[^:]*:(?!s3:)[^:]*:[^:]*:[*?]+:|^o-[*?]|\/[0-7]$/;

const isAnything = (value: unknown) => typeof value !== "string" || ANYTHING.test(value);

function invocationGrant(owner: string, values: Readonly<Record<string, unknown>>): Grant {
  const source = text(values["source_arn"]);
  return {
    owner,
    effect: "Allow",
    action: text(values["action"]),
    resource: readable(text(values["function_name"])),
    rest: readable(`by ${text(values["principal"])}${source === "" ? "" : ` for ${source}`}`),
    everybody: values["principal"] === "*" && source === "",
  };
}

function unreadable(owner: string, attribute: string, why: string): Grant {
  return { owner, effect: `${attribute}:`, action: why, resource: "", rest: "", everybody: false, unread: true };
}

/** The role of an identity policy; the address of a resource policy. */
function ownerOf(type: string, address: string, values: Readonly<Record<string, unknown>>): string {
  if (type === "aws_iam_role") return `role ${roleName(text(values["name"])) || address}`;
  const role = text(values["role"]);
  if (role !== "" && type.startsWith("aws_iam_role_policy")) return `role ${roleName(role)}`;
  return address;
}

/** A role that does not exist yet is referred to by its id, which is its name. */
function roleName(role: string): string {
  return isUnresolved(role) ? readable(role) : role;
}

/** `${aws_sqs_queue.jobs.arn}` without its brackets. */
function readable(value: string): string {
  return value.replace(/\$\{([^}]*)\}/g, "<$1>");
}

function sentences(grants: readonly Grant[]): readonly string[] {
  // One sentence for all actions on a resource, and for all resources with the same actions.
  const byResource = groups(grants, ({ effect, resource, rest }) => JSON.stringify([effect, resource, rest]));
  const grouped = byResource.map((group) => ({
    actions: group.map(({ action }) => action).join(", "),
    resource: group[0]?.resource ?? "",
    effect: group[0]?.effect ?? "",
    rest: group[0]?.rest ?? "",
  }));
  return groups(grouped, ({ actions, effect, rest }) => JSON.stringify([actions, effect, rest])).map((group) => {
    const [{ actions, effect, rest } = { actions: "", effect: "", rest: "" }] = group;
    const resources = group.map(({ resource }) => resource).filter((resource) => resource !== "");
    const on = resources.length === 0 ? "" : `on ${resources.join(", ")}`;
    return [effect, actions, on, rest].filter((part) => part !== "").join(" ");
  });
}

function groups<Item>(items: readonly Item[], keyFor: (item: Item) => string): readonly (readonly Item[])[] {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyFor(item);
    found.set(key, [...(found.get(key) ?? []), item]);
  }
  return [...found.values()];
}

const keyOf = ({ owner, effect, action, resource, rest }: Grant) =>
  JSON.stringify([owner, effect, action, resource, rest]);
const text = (value: unknown) => (typeof value === "string" ? value : "");
const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(sorted(value)));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part as unknown)]),
  );
}
