/** Judges the permissions that a plan grants and revokes. */
import { groupBy } from "../../functions/shared/group-by";
import { fieldsOf, isFields, type Fields } from "../shared/fields";
import {
  exceptionsOf,
  grantsOf,
  isAnything,
  isLimit,
  ownerOf,
  POLICY_ATTRIBUTES,
  text,
  unreadable,
  type Grant,
} from "./grants";
import type { Expressions, ResourceChange } from "./plan";

export interface PermissionChange {
  /** `role almanac-staging-heartbeats-check`, `function ...`, or the policy's address: `module.exports.aws_s3_bucket_policy.exports_policy`. */
  readonly owner: string;
  /** Sentences: `Allow sqs:SendMessage on arn:...`. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  /** With the addresses of their policies. */
  readonly harms: readonly {
    readonly harm: Harm;
    readonly sentences: readonly string[];
    readonly addresses: readonly string[];
  }[];
  /** What was allowed and is no more, although what it was about stays. */
  readonly revoked: readonly Revocation[];
}

/** What is worse than before. */
export type Harm =
  /** Gained by everybody. */
  | "opened"
  /** A condition that says who is gone. */
  | "unlimited"
  /** Gained by a service of AWS, for every account that uses it. */
  | "deputized"
  /** Another condition is gone, or that of a role's trust is wider. */
  | "weakened"
  /** A policy that changes is sensitive. */
  | "hidden"
  /** A policy is known after the apply only. */
  | "unknown"
  /** A policy is none that AWS reads, or that it may read in another way. */
  | "malformed"
  /** Gained for any resource. */
  | "powerful"
  /** Gained on permissions or code, even on one resource. */
  | "administering"
  /** Gained by another account. */
  | "foreign"
  /** A role that stays can be assumed by others, too. */
  | "entrusted"
  /** What was allowed is denied now. */
  | "denied"
  /** What a policy that stays has denied, it denies no more. */
  | "undenied";

/** Of one policy. */
export interface Revocation {
  readonly address: string;
  readonly type: string;
  readonly sentences: readonly string[];
  /** True: its owner is allowed nothing else. */
  readonly entirely: boolean;
}

/** In the policy at this address. */
type Held = Grant & { readonly address: string; readonly type: string };

/** By owner, in the order of the plan. Owners without changes are left out. @param own the accounts of the environment */
export function changedPermissions(
  changes: readonly ResourceChange[],
  expressions: Expressions,
  own: ReadonlySet<string>,
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
      after.push(...(grants.length === 0 ? unknownOf(resource, known).map(held) : grants));
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
    const isNew = (grant: Grant) => !areIncluding(was, grant);
    const isJudged = ({ address }: Held) =>
      !destroyed.has(owner) &&
      !destroyed.has(address) &&
      // Of a policy that cannot be read nothing is known.
      !gained.some((other) => other.address === address && other.unread !== undefined);
    const isUnlimited = (grant: Held) =>
      lost.some((other) => other.limited && !grant.limited && includes(grant, other));
    const isWeakened = (grant: Held) =>
      !grant.everybody && !isUnlimited(grant) && lost.some((other) => isWeaker(grant, other));
    const harms: readonly (readonly [Harm, readonly Held[]])[] = [
      ["opened", gained.filter(({ everybody }) => everybody)],
      ["unlimited", gained.filter(isUnlimited)],
      ["weakened", gained.filter(isWeakened)],
      ["deputized", gained.filter((grant) => isDeputized(grant) && !isUnlimited(grant) && isNew(grant))],
      ...UNREAD.map((harm) => [harm, gained.filter(({ unread }) => unread === harm)] as const),
      ["powerful", gained.filter((grant) => isPowerful(grant) && isNew(grant))],
      ["administering", gained.filter((grant) => isAdministering(grant) && !isPowerful(grant) && isNew(grant))],
      ["foreign", gained.filter((grant) => isForeign(grant, own) && isNew(grant))],
      ["entrusted", gained.filter((grant) => isEntrusted(grant, was) && !isForeign(grant, own))],
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
        harms: harms.flatMap(([harm, grants]) =>
          grants.length === 0 ? [] : [{ harm, sentences: sentences(grants), addresses: addressesOf(grants) }],
        ),
        revoked: groups(revoked, ({ address }) => address).flatMap((grants) => {
          const [{ address, type } = { address: "", type: "" }] = grants;
          const isOfUse = (other: Held) => isAllowance(other) && isTrust(other.type) === isTrust(type);
          return { address, type, sentences: sentences(grants), entirely: !is.some(isOfUse) };
        }),
      },
    ];
  });
}

const addressesOf = (grants: readonly Held[]) => [...new Set(grants.map(({ address }) => address))];
const UNREAD = ["hidden", "unknown", "malformed"] as const;
const isDenial = ({ effect }: Grant) => effect === "Deny";
const isAllowance = ({ effect, unread }: Grant) => effect === "Allow" || unread !== undefined;
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
  return grant.effect === "Allow" && isMeant && !areIncluding(after, { ...grant, principals, conditions });
}

/** Whether permissions together allow each principal of another one all that it allows. */
function areIncluding(wide: readonly Grant[], narrow: Grant): boolean {
  const each = narrow.principals.map((principal) => ({ ...narrow, principals: [principal] }));
  return (each.length === 0 ? [narrow] : each).every((grant) => wide.some((other) => includes(other, grant)));
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
          (other.test === test || other.test === required(test)) &&
          other.values.every((name) => values.some((pattern) => matches(pattern, name))),
      ),
    )
  );
}

/** The test that is false, not true, when a request lacks its key. */
const required = (test: string) => test.replace(/^(\S+)ifexists /, "$1 ");

/** Whether it allows what another one does, under fewer conditions; of a role's trust, whose conditions say who, under wider ones too. */
function isWeaker(grant: Held, other: Held): boolean {
  const { action, resource, principals } = other;
  if (!includes(grant, other)) return false;
  if (isTrust(grant.type)) return !includes(other, { ...grant, action, resource, principals });
  return other.conditions.some((was) => isLimit(was) && !grant.conditions.some(({ test }) => test === was.test));
}

/** Actions that are harmless on any resource, or know no other: traces, metrics, logs, what exists. Not what reads data and secrets. */
const HARMLESS =
  /^(xray:put\w*|cloudwatch:putmetricdata|logs:(create|put|update|get|list|describe)\w*|[\w-]+:(list|describe|get(?!item|object|parameter|secret|record))\w*)$/i;

/** Everything of a service or others' permissions on any resource; without a condition, whatever is not harmless there. */
function isPowerful({ effect, action, resource, principals, conditions }: Grant): boolean {
  const isAll =
    (resource !== "" && !HARMLESS.test(action) && conditions.length === 0) ||
    /^([*?]+|[\w-]*[*?].*:.*|[\w-]+:[*?]+|all but .*|(iam|sts|organizations):(?!get|list).*)$/i.test(action);
  const isAny = exceptionsOf(resource) !== undefined || isAnything(resource);
  return (
    effect === "Allow" &&
    principals.length === 0 &&
    ((isAll && isAny) || /^everything in .*(Administrator(Access)?|PowerUserAccess|FullAccess)$/.test(action))
  );
}

/** With one of these, a role can give itself or others what it is not allowed, or run other code with what a function is allowed. */
const ADMINISTERS: readonly string[] = [
  "iam:AttachRolePolicy",
  "iam:AttachUserPolicy",
  "iam:CreateAccessKey",
  "iam:CreateLoginProfile",
  "iam:CreatePolicyVersion",
  "iam:DeleteRolePermissionsBoundary",
  "iam:PutRolePolicy",
  "iam:PutUserPolicy",
  "iam:SetDefaultPolicyVersion",
  "iam:UpdateAssumeRolePolicy",
  "kms:PutKeyPolicy",
  "lambda:AddPermission",
  "lambda:UpdateFunctionCode",
  "lambda:UpdateFunctionConfiguration",
];

const isAdministering = ({ effect, action, principals }: Grant) =>
  effect === "Allow" && principals.length === 0 && ADMINISTERS.some((each) => matches(action, each));

/**
 * Whether a service may do it on behalf of any customer of AWS: a resource's policy without the source that the service acts for. What a role
 * trusts is left out: Lambda, for one, names no source when it assumes a role.
 */
const isDeputized = ({ effect, type, principals, limited, everybody, conditions }: Held) =>
  effect === "Allow" &&
  !isTrust(type) &&
  !limited &&
  !everybody &&
  principals.some((principal) => /\.amazonaws\.com(\.cn)?$/.test(principal)) &&
  // A key for logs is limited by the log group that is encrypted.
  !conditions.some((each) => isLimit(each) && each.test.includes(" kms:encryptioncontext:"));

/** Whether it is of an account that no resource of the plan is in. */
const isForeign = ({ effect, principals }: Grant, own: ReadonlySet<string>) =>
  effect === "Allow" &&
  own.size > 0 &&
  principals.some((principal) => {
    // A canonical user is an account by another number.
    if (/^[\da-f]{64}$/.test(principal)) return true;
    const [account] = /^\d{12}$|(?<=^arn:[^:]*:(iam|sts)::)\d{12}(?=:)/.exec(principal) ?? [];
    return account !== undefined && !own.has(account);
  });

/** Whether it lets someone assume a role of whom its trust said nothing. */
function isEntrusted(grant: Held, was: readonly Held[]): boolean {
  const trusted = was.filter(({ type, effect }) => isTrust(type) && effect === "Allow");
  const principals = new Set(trusted.flatMap((other) => other.principals));
  return (
    grant.effect === "Allow" &&
    isTrust(grant.type) &&
    !grant.everybody &&
    trusted.length > 0 &&
    !principals.has("*") &&
    grant.principals.some((principal) => !principals.has(principal))
  );
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

/** Whether a name or pattern is of a pattern. What is all but some patterns is in `*`, and in all but fewer of them. */
function matches(pattern: string, name: string): boolean {
  if (pattern === name || pattern === "*") return true;
  const [exceptions, others] = [exceptionsOf(pattern), exceptionsOf(name)];
  if (exceptions !== undefined)
    return exceptions.every((each) => others?.some((other) => matches(other, each)) ?? isDisjoint(each, name));
  if (others !== undefined) return false;
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", "[^*]");
  return new RegExp(`^${escaped}$`, "is").test(name);
}

/** Whether no name is of both patterns, by what they begin with. */
function isDisjoint(one: string, other: string): boolean {
  const [a, b] = [one, other].map((pattern) => pattern.replace(/[*?].*$/s, "").toLowerCase());
  if (a === undefined || b === undefined) return false;
  if (one.length === a.length && other.length === b.length) return a !== b;
  return !a.startsWith(b) && !b.startsWith(a);
}

/** Types that AWS gives a policy of its own where none is configured, or for which another resource sets it. */
const HAS_OPTIONAL_POLICY: ReadonlySet<string> = new Set([
  "aws_api_gateway_rest_api",
  "aws_kms_key",
  "aws_s3_bucket",
  "aws_sns_topic",
  "aws_sqs_queue",
]);

/** What stands for a policy whose expression is not in the plan either. */
function unknownOf({ type, address, change }: ResourceChange, known: Fields): readonly Grant[] {
  const { before, after_unknown: unknown } = change;
  const attribute = POLICY_ATTRIBUTES.find((each) => (isFields(unknown) ? unknown[each] === true : unknown === true));
  if (attribute === undefined || (HAS_OPTIONAL_POLICY.has(type) && text(fieldsOf(before)[attribute]) === "")) return [];
  return [unreadable(ownerOf(type, address, known), attribute, "unknown")];
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
