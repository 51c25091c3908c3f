/** Reports what a plan means to the person who approves it. */
import { estimate } from "../cost/estimate";
import { fieldsOf } from "../shared/fields";
import { DestroyedResources } from "./companions";
import { TYPES, type Removal } from "./classification";
import { classesOf, findingsOf, type Finding } from "./findings";
import { foreignFindings, ownAccounts } from "./foreign-accounts";
import { SetByOthers } from "./set-by-others";
import { POLICY_ATTRIBUTES } from "./grants";
import { changedPermissions, type Harm, type PermissionChange } from "./permissions";
import { Expressions, moduleOf, resourcesOf, type ModuleConfiguration, type Plan, type ResourceChange } from "./plan";
import { planFindings } from "./plan-findings";
import { machineFindings } from "./state-machines";
import { changedValues, UNKNOWN, type ValueChange } from "./values";

export type Action = "added" | "changed" | "replaced" | "destroyed" | "forgotten" | "moved" | "imported";

export interface ReviewedChange {
  readonly address: string;
  readonly action: Action;
  /** Its former address, when it was moved. */
  readonly previously?: string;
  /** True: it holds data that is lost. */
  readonly losesData: boolean;
  readonly values: readonly ValueChange[];
}

export interface ModuleReview {
  /** The feature; empty: the environment itself. */
  readonly module: string;
  readonly changes: readonly ReviewedChange[];
}

export interface DataLoss {
  readonly address: string;
  readonly action: "replaced" | "destroyed";
  /** What is lost: "its items". */
  readonly what: string;
  /** The attributes that force the replacement. */
  readonly because: readonly ValueChange[];
  /** True: named by --allow. */
  readonly allowed: boolean;
}

export interface Report {
  readonly dataLoss: readonly DataLoss[];
  /** What else the changes mean: data that is kept less well, exposure, identity. */
  readonly findings: readonly Finding[];
  /** What was changed outside Terraform. */
  readonly drift: readonly DriftedResource[];
  readonly permissions: readonly PermissionChange[];
  readonly modules: readonly ModuleReview[];
  readonly cost: CostChange;
}

export interface DriftedResource {
  readonly address: string;
  /** True: it no longer exists. */
  readonly destroyed: boolean;
  readonly values: readonly ValueChange[];
}

/** In dollars a month, idle. */
export interface CostChange {
  readonly before: number;
  readonly after: number;
  /** Items whose cost changes, at list price. */
  readonly items: readonly {
    readonly module: string;
    readonly what: string;
    readonly before: number;
    readonly after: number;
  }[];
  readonly unknown: readonly string[];
}

/** The data that is lost with a resource of each type. */
const HOLDS: Readonly<Record<string, string>> = {
  aws_cloudwatch_log_group: "its logs",
  aws_cognito_user_pool: "its users",
  aws_db_instance: "its data",
  aws_dynamodb_table: "its items",
  aws_dynamodb_table_item: "the item",
  aws_dynamodb_table_replica: "its items",
  aws_ebs_volume: "its data",
  aws_efs_file_system: "its files",
  aws_kinesis_stream: "its records",
  aws_kms_key: "everything encrypted with it",
  aws_rds_cluster: "its data",
  aws_s3_bucket: "its objects",
  aws_secretsmanager_secret: "its secret",
  aws_sqs_queue: "its messages",
  aws_ssm_parameter: "its value",
};

/**
 * @param allow the addresses, whole or as `heartbeats.dynamodb_table.state`, of resources that may lose their data, be exposed or change their identity
 * @param stale API deployments that serve removed routes, which no plan shows
 */
export function reviewPlan(
  plan: Plan,
  allow: ReadonlySet<string>,
  stale: readonly { readonly address: string; readonly routes: readonly string[] }[] = [],
): Report {
  const allowed = new Set([
    ...allow,
    ...plan.resource_changes.map(({ address }) => address).filter((address) => allow.has(shortened(address))),
  ]);
  const changes = plan.resource_changes.filter(({ mode }) => mode === "managed");
  const reviewed = changes.flatMap((change) => {
    const review = reviewChange(change);
    return review === undefined ? [] : [{ change, review }];
  });
  const expressions = new Expressions(plan);
  const own = ownAccounts(plan);
  const permissions = changedPermissions(changes, expressions, own);
  const destroyed = new DestroyedResources(changes);
  return {
    dataLoss: reviewed.flatMap(({ change, review }) => dataLossOf(change, review, allowed)),
    findings: [
      ...planFindings(plan, allowed),
      ...changes.flatMap((change) => [
        ...findingsOf(change, destroyed, allowed),
        ...machineFindings(change, expressions, allowed),
        ...foreignFindings(change, expressions, own, allowed),
      ]),
      ...permissionFindings(permissions, allowed),
      ...stale.map(({ address, routes }) => servedRoutes(address, routes)),
    ],
    drift: driftOf(plan),
    permissions,
    modules: byModule(reviewed),
    cost: costChange(plan),
  };
}

/** `heartbeats.dynamodb_table.state`: a label on GitHub has 50 characters. */
const shortened = (address: string) => address.replaceAll("module.", "").replace(/(^|\.)aws_/, "$1");

/** Whether the plan changes no resource. */
export function isEmpty({ modules }: Report): boolean {
  return modules.length === 0;
}

/** As Terraform counts: a replaced resource is created and destroyed. */
export function countChanges({ modules }: Report): number {
  const counts: Readonly<Record<Action, number>> = {
    added: 1,
    changed: 1,
    replaced: 2,
    destroyed: 1,
    forgotten: 0,
    moved: 0,
    imported: 0,
  };
  return modules.flatMap(({ changes }) => changes).reduce((count, { action }) => count + counts[action], 0);
}

/** Data loss that --allow does not name. */
export function forbiddenLoss({ dataLoss }: Report): readonly DataLoss[] {
  return dataLoss.filter(({ allowed }) => !allowed);
}

/** Findings that --allow does not name. */
export function forbiddenFindings({ findings }: Report): readonly Finding[] {
  return findings.filter(({ refused, allowed }) => refused && !allowed);
}

/** Whether the plan must not be applied as it is. */
export function isForbidden(report: Report): boolean {
  return forbiddenLoss(report).length > 0 || forbiddenFindings(report).length > 0;
}

function reviewChange({
  address,
  previous_address,
  deposed,
  type,
  change,
}: ResourceChange): ReviewedChange | undefined {
  const action = actionOf(change) ?? (previous_address === undefined ? undefined : "moved");
  if (action === undefined) return undefined;
  const replacedOrDestroyed = action === "replaced" || action === "destroyed";
  return {
    address: deposed === undefined ? address : `${address} (deposed by a failed replacement: ${deposed})`,
    action,
    ...(previous_address !== undefined && { previously: previous_address }),
    losesData: replacedOrDestroyed && change.actions.includes("delete") && HOLDS[type] !== undefined,
    values: valuesOf(action, change),
  };
}

/** Created and destroyed resources show no values; replaced ones show none that AWS assigns anew. */
function valuesOf(action: Action, change: ResourceChange["change"]): readonly ValueChange[] {
  if (action !== "changed" && action !== "replaced") return [];
  const values = withoutPolicies(changedValues(change));
  return action === "changed" ? values : values.filter((value) => value.forcesReplacement || value.after !== UNKNOWN);
}

/** Policies are reported as permissions. */
function withoutPolicies(values: readonly ValueChange[]): readonly ValueChange[] {
  const policyOf = ({ path }: ValueChange) =>
    POLICY_ATTRIBUTES.find((attribute) => path === attribute || path.startsWith(`${attribute}.`));
  const policies = new Set(values.flatMap((value) => policyOf(value) ?? []));
  return [
    ...values.filter((value) => policyOf(value) === undefined),
    ...[...policies].map((path) => ({ path, after: "(see Permissions)", forcesReplacement: false })),
  ];
}

function actionOf({ actions, importing }: ResourceChange["change"]): Action | undefined {
  const [creates, deletes, forgets] = ["create", "delete", "forget"].map((action) => actions.includes(action));
  if (creates === true) return deletes === true || forgets === true ? "replaced" : "added";
  if (deletes === true) return "destroyed";
  if (forgets === true) return "forgotten";
  // An action that Almanac does not know is a change, too.
  if (actions.some((action) => action !== "no-op" && action !== "read")) return "changed";
  return importing === undefined || importing === null ? undefined : "imported";
}

function dataLossOf(
  { type, address }: ResourceChange,
  { action, losesData, values, address: shown }: ReviewedChange,
  allowed: ReadonlySet<string>,
): readonly DataLoss[] {
  if (!losesData || (action !== "replaced" && action !== "destroyed")) return [];
  return [
    {
      address: shown,
      action,
      what: HOLDS[type] ?? "",
      because: values.filter(({ forcesReplacement }) => forcesReplacement),
      allowed: allowed.has(address),
    },
  ];
}

/** Changes made outside Terraform since the last deployment. A plan may not undo them: Terraform does not compare all that it reads. */
function driftOf(plan: Plan): readonly DriftedResource[] {
  const configured = configuredAttributes(plan.configuration.root_module);
  const others = new SetByOthers(plan);
  const isOurs = ({ address, type, change }: ResourceChange, attribute: string): boolean =>
    CODE.has(attribute) ||
    (configured.get(address.replace(/\[[^\]]*\]$/, ""))?.has(attribute) ?? true) ||
    // What the configuration leaves alone may still open the resource, or end its data.
    (isHarmful(type, attribute) && !others.explain(type, attribute, fieldsOf(change.after)));
  return plan.resource_drift
    .filter(({ mode, change }) => mode === "managed" && !change.actions.includes("no-op"))
    .map((resource) => ({
      address: resource.address,
      destroyed: resource.change.actions.includes("delete"),
      values: resource.change.actions.includes("delete")
        ? []
        : changedValues(resource.change).filter(({ path }) => isOurs(resource, /^\w+/.exec(path)?.[0] ?? path)),
    }))
    .filter(({ destroyed, values }) => destroyed || values.length > 0);
}

function isHarmful(type: string, attribute: string): boolean {
  const found = TYPES[type] && classesOf(TYPES[type]).get(attribute);
  return found === "exposure" || found === "durability";
}

/** What AWS says of the code that a function runs: the configuration has another attribute for it. */
const CODE: ReadonlySet<string> = new Set(["code_sha256"]);

/** The attributes that the configuration sets, by the address of their resource. */
function configuredAttributes(
  module: ModuleConfiguration | undefined,
  prefix = "",
): ReadonlyMap<string, ReadonlySet<string>> {
  const { resources = [], module_calls: calls = {} } = module ?? {};
  return new Map([
    ...resources.map(({ address, expressions }) => [`${prefix}${address}`, new Set(Object.keys(expressions))] as const),
    ...Object.entries(calls).flatMap(([name, { module: inner }]) => [
      ...configuredAttributes(inner, `${prefix}module.${name}.`),
    ]),
  ]);
}

function servedRoutes(address: string, routes: readonly string[]): Finding {
  const what =
    "still serves routes that were removed. npx almanac deploy ends that, or terraform apply -replace=<this>";
  return { verdict: "exposure", address, what, changes: routes, refused: false, allowed: false };
}

/** Permissions that are for the worse: gained, denied or lost. */
function permissionFindings(changes: readonly PermissionChange[], allowed: ReadonlySet<string>): readonly Finding[] {
  const finding = (
    address: string,
    { verdict, what, severity }: Removal,
    sentences: readonly string[],
    addresses: readonly string[] = [address],
  ): readonly Finding[] => {
    if (sentences.length === 0) return [];
    // A role or function is allowed by its name, or by all of its policies that are meant.
    const isAllowed = allowed.has(address) || addresses.every((each) => allowed.has(each));
    return [{ verdict, address, what, changes: sentences, refused: severity === "refuse", allowed: isAllowed }];
  };
  return changes.flatMap(({ owner, harms, revoked }) => [
    ...harms.flatMap(({ harm, sentences, addresses }) =>
      finding(owner, { ...HARMS[harm], severity: "refuse" }, sentences, addresses),
    ),
    ...revoked.flatMap(({ address, type, sentences, entirely }) => {
      const { severity, ...known } = TYPES[type]?.revoked ?? REVOKED;
      return finding(address, { ...known, severity: entirely ? "refuse" : severity }, sentences);
    }),
  ]);
}

/** All are refused. */
const HARMS: Readonly<Record<Harm, Pick<Removal, "verdict" | "what">>> = {
  opened: { verdict: "exposure", what: "can be used by everybody" },
  unlimited: { verdict: "exposure", what: "allows this without a condition" },
  weakened: { verdict: "exposure", what: "allows this under a weaker condition" },
  deputized: {
    verdict: "exposure",
    what: "lets a service of AWS do this for any account: no condition names its source (aws:SourceArn, aws:SourceAccount)",
  },
  hidden: {
    verdict: "exposure",
    what: "gets a policy that is sensitive, so that no review shows what it allows",
  },
  unknown: {
    verdict: "exposure",
    what: "gets a policy that is known after the apply only: it cannot be judged",
  },
  malformed: { verdict: "exposure", what: "gets a policy that cannot be read: it cannot be judged" },
  powerful: { verdict: "exposure", what: "is allowed this on everything" },
  administering: {
    verdict: "exposure",
    what: "is allowed to change permissions or code: it can allow itself more",
  },
  foreign: { verdict: "exposure", what: "lets another account in" },
  entrusted: { verdict: "exposure", what: "can be assumed by others than before, who get its permissions" },
  denied: { verdict: "data", what: "denies what is allowed: what needs it fails" },
  undenied: { verdict: "exposure", what: "no longer denies this" },
};
const REVOKED: Removal = { verdict: "data", severity: "refuse", what: "no longer allows this: what needs it fails" };

function byModule(
  reviewed: readonly { readonly change: ResourceChange; readonly review: ReviewedChange }[],
): readonly ModuleReview[] {
  const modules = new Map<string, ReviewedChange[]>();
  for (const { change, review } of reviewed) {
    const module = moduleOf(change.module_address);
    modules.set(module, [...(modules.get(module) ?? []), review]);
  }
  return [...modules].map(([module, changes]) => ({ module, changes }));
}

function costChange(plan: Plan): CostChange {
  const { before, after } = resourcesOf(plan);
  const [had, has] = [estimate(before), estimate(after)];
  const keyOf = ({ module, what }: { readonly module: string; readonly what: string }) =>
    // "6 alarms" becomes "8 alarms": the same item.
    JSON.stringify([
      module,
      what
        .replace(/^\d+ /, "")
        .replace(/s$/, "")
        .replace(/: [\d,]+ (runs|polls).*$/, ""),
    ]);
  const lines = new Map<string, { module: string; what: string; before: number; after: number }>();
  for (const line of had.idle) lines.set(keyOf(line), { ...line, before: line.listed, after: 0 });
  for (const line of has.idle) {
    lines.set(keyOf(line), { ...line, before: lines.get(keyOf(line))?.before ?? 0, after: line.listed });
  }
  return {
    before: had.total,
    after: has.total,
    items: [...lines.values()]
      .filter((line) => Math.abs(line.after - line.before) >= 0.005)
      .map(({ module, what, before: was, after: is }) => ({ module, what, before: was, after: is })),
    unknown: has.unknown,
  };
}
