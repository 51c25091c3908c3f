/** Finds the permissions that a plan grants and revokes. */
import * as z from "zod";
import { groupBy } from "../../functions/shared/group-by";
import { isUnresolved } from "../../modules/synthesized/expression";
import { fieldsOf, isFields, parseJson } from "../shared/fields";
import type { Change, Expressions, ResourceChange } from "./plan";
import { conditionWithoutSecrets, SENSITIVE } from "./secrets";

export interface PermissionChange {
  /** `role almanac-staging-heartbeats-check`, or the policy's address: `module.exports.aws_s3_bucket_policy.exports_policy`. */
  readonly owner: string;
  /** Sentences: `Allow sqs:SendMessage on arn:...`. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  readonly harms: readonly { readonly harm: Harm; readonly sentences: readonly string[] }[];
  /** What was allowed and is no more, although what it was about stays. */
  readonly revoked: readonly Revocation[];
}

/**
 * opened: gained by everybody. unlimited: a condition is gone. powerful: gained for any resource. foreign: gained by another account. denied: what was
 * allowed, and is denied now. undenied: what a policy that stays has denied, and denies no more.
 */
export type Harm = "opened" | "unlimited" | "powerful" | "foreign" | "denied" | "undenied";

/** Of one policy. */
export interface Revocation {
  readonly address: string;
  readonly type: string;
  readonly sentences: readonly string[];
  /** True: its owner is allowed nothing else. */
  readonly entirely: boolean;
}

/** One action on one resource. */
interface Grant {
  readonly owner: string;
  readonly effect: string;
  readonly action: string;
  readonly resource: string;
  /** `by {"Service":"events.amazonaws.com"}`, `if {...}`. */
  readonly rest: string;
  /** The same without secrets, to be shown. */
  readonly printed: string;
  /** `events.amazonaws.com`, `*`, an ARN. Empty: those of the role. */
  readonly principals: readonly string[];
  readonly conditions: readonly Condition[];
  /** Whether no principal and no condition says who has it. */
  readonly everybody: boolean;
  /** Whether a condition says who has it, or of which resources. */
  readonly limited: boolean;
  /** True: it stands for a policy that is known after the apply, or secret. */
  readonly unread?: boolean;
}

interface Condition {
  /** `like aws:sourcearn`, whatever the operator for names and patterns is. */
  readonly test: string;
  readonly values: readonly string[];
}

/** In the policy at this address. */
type Held = Grant & { readonly address: string; readonly type: string };

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
  const deleted: string[] = [];
  const kept: ResourceChange[] = [];
  for (const resource of changes) {
    const { change, deposed, address, type } = resource;
    if (deposed !== undefined) continue;
    const [creates, updates, deletes] = ["create", "update", "delete"].map((action) => change.actions.includes(action));
    if (!(creates === true || updates === true || deletes === true)) {
      kept.push(resource);
      continue;
    }
    const held = (grant: Grant): Held => ({ ...grant, address, type });
    const was = grantsOf(resource, fieldsOf(change.before), change.before_sensitive).map(held);
    before.push(...was);
    if (creates === true || updates === true) {
      const planned = Object.entries(fieldsOf(change.after)).filter(([, value]) => value !== null);
      const known = { ...expressions.of(address), ...Object.fromEntries(planned) };
      const grants = grantsOf(resource, known, change.after_sensitive).map(held);
      after.push(...(grants.length === 0 ? was.slice(0, 1).flatMap((grant) => unknownOf(grant, change)) : grants));
    } else if (!type.startsWith("aws_iam_role_policy")) destroyed.add(address);
    if (deletes !== true) continue;
    deleted.push(...["arn", "execution_arn"].map((name) => text(fieldsOf(change.before)[name])));
    if (type !== "aws_iam_role") continue;
    const [former = "", planned] = [change.before, change.after].map((role) => ownerOf(type, address, fieldsOf(role)));
    if (creates !== true || former !== planned) destroyed.add(former);
  }
  // What stays matters where a policy of the same owner changes, or something is denied now. A large plan has thousands that do not.
  const changed = new Set([...before, ...after].map(({ owner }) => owner));
  const isDenied = after.some(isDenial);
  for (const resource of kept) {
    const { change, address, type } = resource;
    const values = fieldsOf(change.before);
    if (!isDenied && !changed.has(ownerOf(type, address, values))) continue;
    const was = grantsOf(resource, values, change.before_sensitive).map((grant): Held => ({ ...grant, address, type }));
    before.push(...was);
    after.push(...was);
  }
  const account = new Set(changes.flatMap(({ change }) => [change.before, change.after].flatMap(accountOf)));
  const existed = new Set(changes.filter(({ change }) => isFields(change.before)).map(({ address }) => address));
  const [ofBefore, ofAfter] = [before, after].map((grants) => groupBy(grants, ({ owner }) => owner));
  const allowances = before.filter(({ effect }) => effect === "Allow");
  const owners = [...new Set([...before, ...after].map(({ owner }) => owner))];
  return owners.flatMap((owner): readonly PermissionChange[] => {
    const [was, is] = [ofBefore?.get(owner) ?? [], ofAfter?.get(owner) ?? []];
    const [had, has] = [was, is].map((grants) => new Set(grants.map(keyOf)));
    const gained = is.filter((grant) => had?.has(keyOf(grant)) === false);
    const lost = was.filter((grant) => has?.has(keyOf(grant)) === false);
    if (gained.length + lost.length === 0) return [];
    const isNew = (grant: Grant) => !was.some((other) => includes(other, grant));
    const isJudged = ({ address }: Held) =>
      !destroyed.has(owner) &&
      !destroyed.has(address) &&
      // Of a policy that cannot be read nothing is known.
      !gained.some((other) => other.address === address && other.unread === true);
    const harms: readonly (readonly [Harm, readonly Held[]])[] = [
      ["opened", gained.filter(({ everybody }) => everybody)],
      [
        "unlimited",
        gained.filter((grant) => lost.some((other) => other.limited && !grant.limited && includes(grant, other))),
      ],
      ["powerful", gained.filter((grant) => isPowerful(grant) && isNew(grant))],
      ["foreign", gained.filter((grant) => isForeign(grant, account) && isNew(grant))],
      ["denied", gained.filter((grant) => isShutOut(grant, was, allowances))],
      ["undenied", undenied(lost, gained, is).filter(isJudged)],
    ];
    const granted = is.map((grant) => withPatterns(grant, existed));
    const revoked = lost.filter((grant) => isJudged(grant) && isRevoked(grant, granted, deleted));
    return [
      {
        owner,
        gained: sentences(gained),
        lost: sentences(lost),
        harms: harms.flatMap(([harm, grants]) => (grants.length === 0 ? [] : [{ harm, sentences: sentences(grants) }])),
        revoked: groups(revoked, ({ address }) => address).flatMap((grants) => {
          const [{ address, type } = { address: "", type: "" }] = grants;
          const isOfUse = (other: Held) => isAllowance(other) && isTrust(other.type) === isTrust(type);
          return { address, type, sentences: sentences(grants), entirely: !is.some(isOfUse) };
        }),
      },
    ];
  });
}

const isDenial = ({ effect }: Grant) => effect === "Deny";
const isAllowance = ({ effect, unread }: Grant) => effect === "Allow" || unread === true;
/** A role's own policy says who may assume it. */
const isTrust = (type: string) => type === "aws_iam_role";

/** What is known after the apply, of a resource that exists, may be what it was: it becomes `*`. */
function withPatterns(grant: Held, existed: ReadonlySet<string>): Held {
  const pattern = (name: string) =>
    name.replace(/<([^<>]*)\.\w+>/g, (reference, address: string) => (existed.has(address) ? "*" : reference));
  return {
    ...grant,
    resource: pattern(grant.resource),
    conditions: grant.conditions.map(({ test, values }) => ({ test, values: values.map(pattern) })),
  };
}

/** Whether nothing allows it any more, and the plan deletes neither its resource nor all who were allowed it. */
function isRevoked(grant: Held, after: readonly Held[], deleted: readonly string[]): boolean {
  const isGone = (name: string) =>
    deleted.some((arn) => arn !== "" && name.startsWith(arn) && /^([/:*]|$)/.test(name.slice(arn.length)));
  const remaining = (names: readonly string[]) => names.filter((name) => !isGone(name));
  const principals = remaining(grant.principals);
  const conditions = grant.conditions.map(({ test, values }) => ({ test, values: remaining(values) }));
  const isMeant =
    !isGone(grant.resource) &&
    (principals.length > 0 || grant.principals.length === 0) &&
    conditions.every(({ values }, index) => values.length > 0 || grant.conditions[index]?.values.length === 0);
  return (
    grant.effect === "Allow" && isMeant && !after.some((other) => includes(other, { ...grant, principals, conditions }))
  );
}

/** Whether a permission allows all that another one allows. */
function includes(wide: Grant, narrow: Grant): boolean {
  const { principals, conditions } = wide;
  return (
    wide.owner === narrow.owner &&
    wide.effect === "Allow" &&
    narrow.effect === "Allow" &&
    matches(wide.action, narrow.action) &&
    matches(wide.resource, narrow.resource) &&
    (principals.includes("*") || narrow.principals.every((principal) => principals.includes(principal))) &&
    conditions.every(({ test, values }) =>
      narrow.conditions.some(
        (other) =>
          other.test === test && other.values.every((name) => values.some((pattern) => matches(pattern, name))),
      ),
    )
  );
}

/** Everything of a service, or others' permissions, on any resource. */
function isPowerful({ effect, action, resource, principals }: Grant): boolean {
  const isAll = /^(\*|[\w-]+:\*|all but .*|(iam|sts|organizations):(?!get|list).*)$/i.test(action);
  const isAny = resource.startsWith(ALL_BUT) || isAnything(resource);
  return (
    effect === "Allow" &&
    principals.length === 0 &&
    ((isAll && isAny) || /^everything in .*(AdministratorAccess|PowerUserAccess|FullAccess)$/.test(action))
  );
}

/** Whether it is of an account that no resource of the plan is in. */
const isForeign = ({ effect, principals }: Grant, own: ReadonlySet<string>) =>
  effect === "Allow" &&
  own.size > 0 &&
  principals.some((principal) => {
    const [account] = /^\d{12}$|(?<=^arn:[^:]*:(iam|sts)::)\d{12}(?=:)/.exec(principal) ?? [];
    return account !== undefined && !own.has(account);
  });

/** The account in a resource's ARN. */
function accountOf(values: unknown): readonly string[] {
  const account = text(fieldsOf(values)["arn"]).split(":")[4] ?? "";
  return /^\d{12}$/.test(account) ? [account] : [];
}

/** Whether it denies what was allowed, to others than those who use plain HTTP. */
function isShutOut(grant: Held, was: readonly Held[], allowances: readonly Held[]): boolean {
  const { conditions, principals, owner } = grant;
  const isOfTls = conditions.length > 0 && conditions.every(({ test }) => /:(securetransport|tlsversion)$/.test(test));
  const either = (one: string, other: string) => matches(one, other) || matches(other, one);
  return (
    isDenial(grant) &&
    !isOfTls &&
    !was.some((other) => isDenial(other) && covers(other, grant)) &&
    allowances.some(
      (other) =>
        (principals.length > 0 || other.owner === owner) &&
        either(grant.action, other.action) &&
        either(grant.resource, other.resource),
    )
  );
}

/** Denials that were lost: nothing that the owner has denies as much, and no resource has taken the place of theirs. */
function undenied(lost: readonly Held[], gained: readonly Grant[], after: readonly Grant[]): readonly Held[] {
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
      : [
          {
            owner,
            effect: "Allow",
            action: `everything in ${policy}`,
            resource: "",
            rest: "",
            printed: "",
            ...OF_ITS_ROLE,
          },
        ];
  }
  if (type === "aws_s3_bucket") return []; // repeats its aws_s3_bucket_policy
  return POLICY_ATTRIBUTES.flatMap((attribute) => {
    const policy = values[attribute];
    if (typeof policy !== "string" || policy === "") return [];
    if (fieldsOf(sensitive)[attribute] === true || sensitive === true) return [unreadable(owner, attribute, SENSITIVE)];
    const parsed = policySchema.safeParse(parseJson(policy));
    if (!parsed.success) return isUnresolved(policy) ? [unreadable(owner, attribute, "known after apply")] : [];
    return parsed.data.Statement.flatMap((statement) => grantsOfStatement(owner, statement));
  });
}

const OF_ITS_ROLE = { principals: [], conditions: [], everybody: false, limited: false } as const;

const ALL_BUT = "all but ";

type Statement = z.output<typeof policySchema>["Statement"][number];

function grantsOfStatement(owner: string, statement: Statement): readonly Grant[] {
  const { Effect, Action, NotAction, Resource, NotResource, Principal, NotPrincipal, Condition } = statement;
  const restOf = (condition: unknown) =>
    readable(
      [
        ...(Principal === undefined ? [] : [`by ${shown(Principal)}`]),
        ...(NotPrincipal === undefined ? [] : [`by all but ${shown(NotPrincipal)}`]),
        ...(condition === undefined ? [] : [`if ${shown(condition)}`]),
      ].join(" "),
    );
  const [rest, printed] = [restOf(Condition), restOf(conditionWithoutSecrets(Condition))];
  const everybody =
    Effect === "Allow" && (NotPrincipal !== undefined || namesIn(Principal).includes("*")) && !namesCallers(Condition);
  const principals = namesIn(Principal).map(readable);
  const conditions = conditionsOf(Condition);
  const limited = principals.length > 0 ? namesCallers(Condition) : conditions.some(isLimit);
  const actions = Action ?? NotAction?.map((action) => `${ALL_BUT}${action}`) ?? [];
  const resources = Resource ?? NotResource?.map((resource) => `${ALL_BUT}${resource}`) ?? [""];
  return actions.flatMap((action) =>
    resources.map((resource) => ({
      owner,
      effect: Effect,
      action,
      resource: readable(resource),
      rest,
      printed,
      principals,
      conditions,
      everybody,
      limited,
    })),
  );
}

/** Those in `"*"`, `{ "AWS": "*" }`, `{ "AWS": ["arn:...", "*"] }`. */
function namesIn(principal: unknown): readonly string[] {
  if (isFields(principal)) return Object.values(principal).flatMap(namesIn);
  return [principal].flat().filter((name) => typeof name === "string");
}

function conditionsOf(condition: unknown): readonly Condition[] {
  return Object.entries(fieldsOf(condition)).flatMap(([operator, tests]) =>
    Object.entries(fieldsOf(tests)).map(([key, values]) => ({
      test: `${operator.replace(/^(string|arn)(equals|like)$/i, "like")} ${key}`.toLowerCase(),
      values: [values].flat().map((value) => readable(String(value))),
    })),
  );
}

const isLimit = ({ values }: Condition) => values.every((value) => !isAnything(value));

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
  const rest = readable(`by ${text(values["principal"])}${source === "" ? "" : ` for ${source}`}`);
  return {
    owner,
    effect: "Allow",
    action: text(values["action"]),
    resource: readable(text(values["function_name"])),
    rest,
    printed: rest,
    principals: [text(values["principal"])],
    conditions: source === "" ? [] : conditionsOf({ ArnLike: { "aws:SourceArn": source } }),
    everybody: values["principal"] === "*" && source === "",
    limited: source !== "",
  };
}

/** What stands for a policy whose expression is not in the plan either. */
function unknownOf(grant: Held, { after_unknown: unknown }: Change): readonly Held[] {
  const attribute = POLICY_ATTRIBUTES.find((each) => (isFields(unknown) ? unknown[each] === true : unknown === true));
  return attribute === undefined ? [] : [{ ...grant, ...unreadable(grant.owner, attribute, "known after apply") }];
}

function unreadable(owner: string, attribute: string, why: string): Grant {
  return {
    owner,
    effect: `${attribute}:`,
    action: why,
    resource: "",
    rest: "",
    printed: "",
    ...OF_ITS_ROLE,
    unread: true,
  };
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
  const byResource = groups(grants, ({ effect, resource, printed }) => JSON.stringify([effect, resource, printed]));
  const grouped = byResource.map((group) => ({
    actions: group.map(({ action }) => action).join(", "),
    resource: group[0]?.resource ?? "",
    effect: group[0]?.effect ?? "",
    printed: group[0]?.printed ?? "",
  }));
  return groups(grouped, ({ actions, effect, printed }) => JSON.stringify([actions, effect, printed])).map((group) => {
    const [{ actions, effect, printed } = { actions: "", effect: "", printed: "" }] = group;
    const resources = group.map(({ resource }) => resource).filter((resource) => resource !== "");
    const on = resources.length === 0 ? "" : `on ${resources.join(", ")}`;
    return [effect, actions, on, printed].filter((part) => part !== "").join(" ");
  });
}

const groups = <Item>(items: readonly Item[], keyFor: (item: Item) => string): readonly (readonly Item[])[] => [
  ...groupBy(items, keyFor).values(),
];

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
