/** Judges what a plan changes by the classification of each attribute. */
import { ownValue } from "../../functions/shared/own-value";
import { SENSITIVE } from "../../functions/shared/plain-secret";
import { truncate } from "../../functions/shared/text";
import { fieldsOf, type Fields } from "../shared/fields";
import { NOT_CLASSIFIED, TYPES, type TypeClass, type Verdict } from "./classification";
import { RULES } from "./rules";
import type { Rule } from "./rules/rule";
import type { DestroyedResources } from "./companions";
import { isMarked, leavesOf } from "./leaves";
import type { ResourceChange } from "./plan";
import { isSecretAt } from "./secrets";
import { UNKNOWN } from "./values";

export interface Finding {
  readonly verdict: Verdict | "unclassified";
  readonly address: string;
  /** Completes "<address> ...": `no longer refuses public access`. */
  readonly what: string;
  /** `block_public_acls: true → false`. */
  readonly changes: readonly string[];
  /** False: only a warning. */
  readonly refused: boolean;
  /** True: named by --allow. */
  readonly allowed: boolean;
}

type Reason = Pick<Finding, "verdict" | "what"> & { readonly refused: boolean; readonly change?: string };

/** Findings of one planned change: at most one for each verdict and text. */
export function findingsOf(
  resource: ResourceChange,
  plan: DestroyedResources,
  allowed: ReadonlySet<string>,
): readonly Finding[] {
  const { address, deposed } = resource;
  // What a deposed object was for, its successor is for now. Whether it held data is known of known types.
  if (deposed !== undefined && TYPES[resource.type] !== undefined) return [];
  const grouped = new Map<string, Finding>();
  for (const { verdict, what, refused, change } of reasonsOf(resource, plan)) {
    const key = `${verdict} ${what}`;
    const changes = [...(grouped.get(key)?.changes ?? []), ...(change === undefined ? [] : [change])];
    grouped.set(key, { verdict, address, what, changes, refused, allowed: allowed.has(address) });
  }
  return [...grouped.values()];
}

function reasonsOf(
  { type, change, mode, module_address: module }: ResourceChange,
  plan: DestroyedResources,
): readonly Reason[] {
  const { actions } = change;
  const [creates, updates, deletes] = ["create", "update", "delete"].map((action) => actions.includes(action));
  if (mode !== "managed") return [];
  if (actions.includes("forget")) return [creates === true ? LEFT_BEHIND : FORGOTTEN];
  if (!(creates === true || updates === true || deletes === true)) return [];
  const known = TYPES[type];
  if (known === undefined) return [unclassified(`is a ${type}, whose changes are not classified`)];
  if (deletes === true && creates !== true) {
    const last = fieldsOf(change.before);
    if (plan.staysWith(type, last, known.key))
      return [{ verdict: known.destroyed?.verdict ?? "data", what: AT_TWO_ADDRESSES, refused: true }];
    const isNoLoss = known.goesWith?.(last, plan, module) === true || plan.staysWith(type, last, known.content);
    return isNoLoss ? [] : removal(known.destroyed);
  }
  const replaced = deletes === true ? removal(known.replaced) : [];
  const isReplaced = creates === true && deletes === true;
  return [...replaced, ...changedAttributes(type, known, change, creates === true && !isReplaced, isReplaced)];
}

const AT_TWO_ADDRESSES =
  "is at another address, too: AWS refuses that one, or loses it with this one. Keep it by a moved block";
const FORGOTTEN: Reason = {
  verdict: "identity",
  what: "is no longer managed: it stays as it is, and nothing destroys it",
  refused: false,
};
const LEFT_BEHIND: Reason = {
  verdict: "identity",
  what: "is left behind, unmanaged, and a new one takes its place: it is empty",
  refused: true,
};

function removal(removed: TypeClass["destroyed"]): readonly Reason[] {
  if (removed === undefined) return [];
  return [{ verdict: removed.verdict, what: removed.what, refused: removed.severity === "refuse" }];
}

function changedAttributes(
  type: string,
  known: TypeClass,
  { before, after, after_unknown, before_sensitive, after_sensitive }: ResourceChange["change"],
  created: boolean,
  replaced: boolean,
): readonly Reason[] {
  const [had, has] = [leavesOf(before), leavesOf(after)];
  for (const [path, isUnknown] of leavesOf(after_unknown)) if (isUnknown === true) has.set(path, UNKNOWN);
  for (const path of had.keys()) if (isMarked(after_unknown, path)) has.set(path, UNKNOWN);
  const [resource, former] = [fieldsOf(withUnknown(after, after_unknown)), fieldsOf(before)];
  const paths = [...new Set([...had.keys(), ...has.keys()])].filter(
    (path) => !isSame(path, had.get(path), has.get(path)),
  );
  return paths.flatMap((path) => {
    const [was, is] = [had.get(path), has.get(path)];
    const sensitive =
      [before_sensitive, after_sensitive].some((marks) => isMarked(marks, path)) ||
      [was, is].some((value) => typeof value === "string" && isSecretAt(path, value));
    const change = created
      ? `${path}: ${sensitive ? SENSITIVE : shown(is)}`
      : `${path}: ${sensitive ? SENSITIVE : shown(was)} → ${sensitive ? SENSITIVE : shown(is)}`;
    return evaluate({ type, known, path, was, is, created, replaced, resource, former }).map((reason) => ({
      ...reason,
      change,
    }));
  });
}

/** By the type that they are for: a plan has thousands of attributes. */
const RULES_OF: ReadonlyMap<string, readonly Rule[]> = new Map(
  Object.keys(TYPES).map((type) => [type, RULES.filter((rule) => rule.type === type)]),
);

interface AttributeChange {
  readonly type: string;
  readonly known: TypeClass;
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
  readonly created: boolean;
  readonly replaced: boolean;
  readonly resource: Fields;
  readonly former: Fields;
}

function evaluate(attributeChange: AttributeChange): readonly Reason[] {
  const { type, known, path, was, is, created, replaced, resource, former } = attributeChange;
  const attribute = path.split(".")[0] ?? path;
  const classOf = classesOf(known);
  const found = classOf.get(attribute);
  // What AWS assigns is unknown where a resource is created or replaced: it is no argument of ours.
  if (found === undefined)
    return created || is === UNKNOWN || NOT_CLASSIFIED.has(attribute) || COMPUTED.has(attribute)
      ? []
      : [unclassified(`changes ${attribute}, which is not classified`)];
  const rules = (RULES_OF.get(type) ?? []).filter((rule) => rule.path.test(path));
  const rule = rules.find(
    (each) => (is !== UNKNOWN || each.orUnknown === true) && each.if(was, is, created, resource, former),
  );
  if (rule !== undefined) return [{ verdict: rule.verdict, what: rule.what, refused: rule.severity !== "warn" }];
  if (found === "settings") return [];
  // A rule says when an attribute matters, so otherwise it does not. A value that is not known yet follows a resource that is reported.
  // One that says itself what the resource does follows none.
  if (is === UNKNOWN && !created && !replaced && isSetting(was) && (found === "exposure" || found === "durability"))
    return [
      {
        verdict: found === "exposure" ? "exposure" : "data",
        what: `gets a value that is known after the apply only (${attribute})`,
        refused: true,
      },
    ];
  if (rules.length > 0 || created || is === UNKNOWN) return [];
  switch (found) {
    case "exposure":
      return [{ verdict: "exposure", what: `changes who can use or see it (${attribute})`, refused: true }];
    case "durability":
      return [{ verdict: "data", what: `changes how its data is kept (${attribute})`, refused: true }];
    case "identity":
      return [{ verdict: "identity", what: `changes what others know it by (${attribute})`, refused: false }];
    case "address":
      return [{ verdict: "identity", what: `belongs to another resource (${attribute})`, refused: false }];
  }
}

/** A number, a switch or a word such as "AWS_IAM" and "Enabled": no name, ARN or id of another resource. */
const isSetting = (value: unknown) =>
  typeof value === "boolean" ||
  typeof value === "number" ||
  (typeof value === "string" && /^[A-Z][A-Za-z_]+$/.test(value));

type Class = Exclude<keyof TypeClass, "destroyed" | "replaced" | "revoked" | "goesWith" | "key" | "content">;
const CLASSES: readonly Class[] = ["exposure", "durability", "identity", "address", "settings"];

const classes = new Map<TypeClass, ReadonlyMap<string, Class>>();

/** The class of each attribute of a type. */
export function classesOf(known: TypeClass): ReadonlyMap<string, Class> {
  const found =
    classes.get(known) ??
    new Map(CLASSES.flatMap((each) => (known[each] ?? "").split(" ").map((attribute) => [attribute, each] as const)));
  classes.set(known, found);
  return found;
}

/** Attributes that providers compute for many types. */
const COMPUTED: ReadonlySet<string> = new Set([
  "arn",
  "code_sha256",
  "etag",
  "last_modified",
  "last_modified_time",
  "revision_id",
  "source_code_size",
  "state_machine_version_arn",
  "status",
  "version",
  "version_id",
  "qualified_arn",
  "qualified_invoke_arn",
  "stream_arn",
  "stream_label",
  "last_processing_result",
  "state_transition_reason",
  "created_date",
  "invoke_url",
  "execution_arn",
]);

const unclassified = (what: string): Reason => ({ verdict: "unclassified", what, refused: true });

/** Numbers of which 0 is none at all, and none is no limit. */
const ZERO_IS_NONE = /(^reserved_concurrent_executions|\.throttling_(burst|rate)_limit)$/;

/** Switches that are on where nothing is set. */
const FALSE_IS_SET =
  /^(actions_enabled|enabled|is_enabled|sqs_managed_sse_enabled|(block|ignore|restrict)_(public_)?\w+)$/;

/** Providers read back unset values as empty ones. */
function isSame(path: string, before: unknown, after: unknown): boolean {
  const isEmpty = (value: unknown) =>
    value === undefined ||
    value === "" ||
    (value === false && !FALSE_IS_SET.test(path)) ||
    (value === 0 && !ZERO_IS_NONE.test(path));
  return before === after || (isEmpty(before) && isEmpty(after));
}

/** The planned values, with what is known after the apply only. */
function withUnknown(value: unknown, marks: unknown): unknown {
  if (marks === true) return UNKNOWN;
  if (Array.isArray(marks)) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [];
    return Array.from({ length: Math.max(items.length, marks.length) }, (_, index) =>
      withUnknown(items[index], (marks as readonly unknown[])[index]),
    );
  }
  const marked = Object.entries(fieldsOf(marks)).map(([key, mark]) => [
    key,
    withUnknown(ownValue(fieldsOf(value), key), mark),
  ]);
  return marked.length === 0 ? value : { ...fieldsOf(value), ...Object.fromEntries(marked) };
}

const shown = (value: unknown) => (value === undefined ? "nothing" : truncate(JSON.stringify(value), 80));
