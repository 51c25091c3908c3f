/** Finds other accounts of AWS that a change names: in a destination, a source, a layer, a key, a role, inside JSON too. */
import { SENSITIVE } from "../../functions/shared/plain-secret";
import { truncate } from "../../functions/shared/text";
import { fieldsOf } from "../shared/fields";
import type { Finding } from "./findings";
import { POLICY_ATTRIBUTES } from "./grants";
import { isMarked, leavesOf } from "./leaves";
import { allResources, type Expressions, type Plan, type ResourceChange } from "./plan";
import { withoutSecrets } from "./secrets";

/** An ARN, the URL of a queue. */
const NAMES_ACCOUNT =
  /arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):|https:\/\/(?:sqs\.[\w.-]+|[\w-]+\.queue\.[\w.-]+)\/(\d{12})\//g;

/** Longer values are cut. */
const LONGEST_VALUE = 160;

/** Arguments that are the number of an account. */
const IS_ACCOUNT =
  /(^|[.:])(source_?account|principalaccount|resourceaccount|calleraccount|expected_bucket_owner|catalog_id)(\.\d+)?$/i;

/** Types whose ARN AWS assigns: that of a rule's target or a topic's policy is an argument, and may be of another account. */
const HAS_ITS_ARN: ReadonlySet<string> = new Set([
  "aws_cloudwatch_log_group",
  "aws_dynamodb_table",
  "aws_iam_role",
  "aws_kms_key",
  "aws_lambda_function",
  "aws_sfn_state_machine",
  "aws_sns_topic",
  "aws_sqs_queue",
]);

/** The accounts that the resources of an environment are in. Empty: none is known before the first deployment. */
export function ownAccounts({ prior_state: { values }, resource_changes: changes }: Plan): ReadonlySet<string> {
  const caller = allResources(values?.root_module, "data").filter(({ type }) => type === "aws_caller_identity");
  const asked = caller.map((it) => it.values["account_id"]).filter((account) => typeof account === "string");
  if (asked.length > 0) return new Set(asked);
  const arns = changes
    .filter(({ type }) => HAS_ITS_ARN.has(type))
    .flatMap(({ change }) => [change.before, change.after])
    .map((it) => fieldsOf(it)["arn"]);
  return new Set(arns.flatMap((arn) => accountsIn("arn", arn)));
}

/** At most one: what names an account that is neither the environment's own nor one that the resource has named before. */
export function foreignFindings(
  { address, mode, deposed, change }: ResourceChange,
  expressions: Expressions,
  own: ReadonlySet<string>,
  allowed: ReadonlySet<string>,
): readonly Finding[] {
  const isMade = change.actions.includes("create") || change.actions.includes("update");
  if (!isMade || mode !== "managed" || deposed !== undefined || own.size === 0) return [];
  const named = new Set([...leavesOf(change.before)].flatMap(([path, value]) => accountsIn(path, value)));
  const planned = Object.entries(fieldsOf(change.after)).filter(([, value]) => value !== null);
  const leaves = leavesOf({ ...expressions.of(address), ...Object.fromEntries(planned) });
  const changes = [...leaves].flatMap(([path, value]) => {
    const isForeign = accountsIn(path, value).some((account) => !own.has(account) && !named.has(account));
    if (!isForeign || isPrincipal(path)) return [];
    const shown = isMarked(change.after_sensitive, path)
      ? SENSITIVE
      : truncate(JSON.stringify(withoutSecrets(path, value)), LONGEST_VALUE);
    return [`${path}: ${shown}`];
  });
  if (changes.length === 0) return [];
  const what = "names another account: what it sends, reads or runs is not the environment's own";
  return [{ verdict: "exposure", address, what, changes, refused: true, allowed: allowed.has(address) }];
}

function accountsIn(path: string, value: unknown): readonly string[] {
  if (typeof value !== "string") return [];
  if (IS_ACCOUNT.test(path) && /^\d{12}$/.test(value)) return [value];
  return [...value.matchAll(NAMES_ACCOUNT)].flatMap(([, ofArn, ofUrl]) => ofArn ?? ofUrl ?? []);
}

/** Whom a policy lets in is judged with its permissions. */
const isPrincipal = (path: string) =>
  path === "principal" || POLICY_ATTRIBUTES.some((each) => path.startsWith(`${each}.`) && path.includes(".Principal"));
