/** Reads the permissions that policies of a plan grant: one for each action on each resource. */
import * as z from "zod";
import { SENSITIVE } from "../../functions/shared/plain-secret";
import { isUnresolved } from "../../modules/synthesized/expression";
import { fieldsOf, isFields, parseExactJson } from "../shared/fields";
import type { ResourceChange } from "./plan";
import { conditionWithoutSecrets } from "./secrets";

/** One action on one resource. */
export interface Grant {
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
  /** Set: it stands for a whole policy that is secret, known after the apply only, or none that AWS reads. */
  readonly unread?: "hidden" | "unknown" | "malformed";
}

interface Condition {
  /** `like aws:sourcearn`, whatever the operator for names and patterns is. */
  readonly test: string;
  readonly values: readonly string[];
}

const listOf = (item: z.ZodType<string>) => z.union([z.array(item), item.transform((one) => [one])]).optional();
const policySchema = z.object({
  Statement: z.union([z.array(z.looseObject({})), z.looseObject({}).transform((one) => [one])]).pipe(
    z.array(
      z.looseObject({
        Effect: z.enum(["Allow", "Deny"]),
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

export function grantsOf(
  { address, type }: ResourceChange,
  values: Readonly<Record<string, unknown>>,
  sensitive: unknown,
): readonly Grant[] {
  const owner = ownerOf(type, address, values);
  if (type === "aws_lambda_permission") return Object.keys(values).length === 0 ? [] : [invocationGrant(owner, values)];
  if (type === "aws_iam_role_policy_attachment") {
    const policy = text(values["policy_arn"]);
    return policy === "" ? [] : [summaryGrant(owner, "Allow", `everything in ${policy}`)];
  }
  if (type === "aws_s3_bucket") return []; // repeats its aws_s3_bucket_policy
  return POLICY_ATTRIBUTES.flatMap((attribute) => {
    const policy = values[attribute];
    if (typeof policy !== "string" || policy === "") return [];
    if (fieldsOf(sensitive)[attribute] === true || sensitive === true)
      return [unreadable(owner, attribute, "hidden", policy)];
    const parsed = policySchema.safeParse(parseExactJson(policy));
    if (!parsed.success)
      return [
        isUnresolved(policy)
          ? unreadable(owner, attribute, "unknown")
          : unreadable(owner, attribute, "malformed", policy),
      ];
    return parsed.data.Statement.flatMap((statement) => grantsOfStatement(owner, statement));
  });
}

/** Stands for a whole policy: of its role, on no resource that is known. */
function summaryGrant(owner: string, effect: string, action: string): Grant {
  const ofItsRole = { principals: [], conditions: [], everybody: false, limited: false };
  return { owner, effect, action, resource: "", rest: "", printed: "", ...ofItsRole };
}

const ALL_BUT = "all but ";

/** One pattern for all of a list: each of them alone would be everything together with another. */
const allBut = (names: readonly string[] | undefined) => names && [`${ALL_BUT}${names.toSorted().join(", ")}`];

/** What `all but a, b` leaves out; undefined: it is a pattern. */
export const exceptionsOf = (pattern: string): readonly string[] | undefined =>
  pattern.startsWith(ALL_BUT) ? pattern.slice(ALL_BUT.length).split(", ") : undefined;

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
    Effect === "Allow" &&
    (((NotPrincipal !== undefined || namesIn(Principal).includes("*")) && !namesCallers(Condition)) ||
      (fieldsOf(Principal)["Federated"] !== undefined && !namesSubject(Condition)));
  const principals = namesIn(Principal).map(readable);
  const conditions = conditionsOf(Condition);
  const limited = principals.length > 0 ? namesCallers(Condition) : conditions.some(isLimit);
  const actions = Action ?? allBut(NotAction) ?? [];
  const resources = Resource ?? allBut(NotResource) ?? [""];
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

/** Whether a condition says which users of an identity provider: GitHub, for one, gives a token to every repository that asks. */
const namesSubject = (condition: unknown) =>
  conditionsOf(condition).some(
    (each) =>
      isLimit(each) &&
      /^(foranyvalue:)?(like|stringequalsignorecase) (.*:sub|cognito-identity\.amazonaws\.com:aud|saml:.*)$/.test(
        each.test,
      ),
  );

function conditionsOf(condition: unknown): readonly Condition[] {
  return Object.entries(fieldsOf(condition)).flatMap(([operator, tests]) =>
    Object.entries(fieldsOf(tests)).map(([key, values]) => ({
      test: `${operator.replace(/^(string|arn)(equals|like)(?=(ifexists)?$)/i, "like")} ${key}`.toLowerCase(),
      values: [values].flat().map((value) => readable(String(value))),
    })),
  );
}

export const isLimit = ({ values }: Condition) => values.every((value) => !isAnything(value));

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
 * `*`, `arn:*`, `arn:aws:*:*:*:*`; a role or topic of any account, or of each account that begins with a digit; any bucket, whose ARN has no
 * account; any organization; `0.0.0.0/0`, and half of all addresses.
 */
const ANYTHING =
  /^(arn:)?(aws:)?[*?:]*$|^arn:[^:]*:(?!s3:)[^:]*:[^:]*:\d*[*?][\d*?]*:|^arn:[^:]*:[^:]*:[^:]*::[*?/]+$|^\d+[*?][\d*?]*$|^o-[*?]|\/[0-7]$/;

export const isAnything = (value: unknown) => typeof value !== "string" || ANYTHING.test(value);

/** Who a permission of a function lets in, as conditions of a policy. */
const INVOKERS: readonly (readonly [argument: string, operator: string, key: string])[] = [
  ["source_arn", "ArnLike", "aws:SourceArn"],
  ["source_account", "StringEquals", "aws:SourceAccount"],
  ["principal_org_id", "StringEquals", "aws:PrincipalOrgID"],
];

function invocationGrant(owner: string, values: Readonly<Record<string, unknown>>): Grant {
  const [principal, source] = [text(values["principal"]), text(values["source_arn"])];
  const given = INVOKERS.map(([argument, operator, key]) => ({ operator, key, value: text(values[argument]) }));
  const conditions = given
    .filter(({ value }) => value !== "")
    .flatMap(({ operator, key, value }) => conditionsOf({ [operator]: { [key]: value } }));
  const others = given.filter(({ key, value }) => value !== "" && key !== "aws:SourceArn");
  const rest = readable(
    [
      `by ${principal}`,
      ...(source === "" ? [] : [`for ${source}`]),
      ...others.map(({ key, value }) => `if ${key} is ${value}`),
    ].join(" "),
  );
  // The name of a bucket that is deleted is free to any account: its ARN has none.
  const limited = conditions.some(isLimit) && (conditions.length > 1 || !/^arn:[^:]*:s3:/.test(source));
  return {
    owner,
    effect: "Allow",
    action: text(values["action"]),
    resource: readable(text(values["function_name"])),
    rest,
    printed: rest,
    principals: [principal],
    conditions,
    everybody: principal === "*" && !conditions.some(isLimit),
    limited,
  };
}

const WHY_UNREAD = { hidden: SENSITIVE, unknown: "known after apply", malformed: "no policy" } as const;

/** @param policy compared, never shown */
export function unreadable(owner: string, attribute: string, unread: keyof typeof WHY_UNREAD, policy = ""): Grant {
  return { ...summaryGrant(owner, `${attribute}:`, WHY_UNREAD[unread]), rest: policy, unread };
}

/** The role of an identity policy; the function of a permission, which is a statement of its policy; the address of another resource policy. */
export function ownerOf(type: string, address: string, values: Readonly<Record<string, unknown>>): string {
  if (type === "aws_iam_role") return `role ${roleName(text(values["name"])) || address}`;
  if (type === "aws_lambda_permission") return `function ${readable(text(values["function_name"])) || address}`;
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

export const text = (value: unknown) => (typeof value === "string" ? value : "");
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
