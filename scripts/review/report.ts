/** Reports what a plan means to the person who approves it. */
import { estimate } from "../cost/estimate";
import { changedPermissions, POLICY_ATTRIBUTES, type PermissionChange } from "./permissions";
import { Expressions, moduleOf, resourcesOf, type Plan, type ResourceChange } from "./plan";
import { changedValues, UNKNOWN, type ValueChange } from "./values";

export type Action = "added" | "changed" | "replaced" | "destroyed" | "forgotten" | "moved";

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
  /** One sentence for each protection of data that the plan lowers. */
  readonly lessProtection: readonly string[];
  readonly permissions: readonly PermissionChange[];
  readonly modules: readonly ModuleReview[];
  readonly cost: CostChange;
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
 * @param allowed the addresses of resources whose data may be lost
 */
export function reviewPlan(plan: Plan, allowed: ReadonlySet<string>): Report {
  const changes = plan.resource_changes.filter(({ mode }) => mode === "managed");
  const reviewed = changes.flatMap((change) => {
    const review = reviewChange(change);
    return review === undefined ? [] : [{ change, review }];
  });
  return {
    dataLoss: reviewed.flatMap(({ change, review }) => dataLossOf(change, review, allowed)),
    lessProtection: reviewed.flatMap(({ change, review }) => lessProtection(change, review)),
    permissions: changedPermissions(changes, new Expressions(plan)),
    modules: byModule(reviewed),
    cost: costChange(plan),
  };
}

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
  };
  return modules.flatMap(({ changes }) => changes).reduce((count, { action }) => count + counts[action], 0);
}

/** Data loss that --allow does not name. */
export function forbiddenLoss({ dataLoss }: Report): readonly DataLoss[] {
  return dataLoss.filter(({ allowed }) => !allowed);
}

function reviewChange({
  address,
  previous_address,
  deposed,
  type,
  change,
}: ResourceChange): ReviewedChange | undefined {
  const action = actionOf(change.actions) ?? (previous_address === undefined ? undefined : "moved");
  if (action === undefined) return undefined;
  const replacedOrDestroyed = action === "replaced" || action === "destroyed";
  return {
    address: deposed === undefined ? address : `${address} (deposed by a failed replacement: ${deposed})`,
    action,
    ...(previous_address !== undefined && { previously: previous_address }),
    losesData: replacedOrDestroyed && HOLDS[type] !== undefined,
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

function actionOf(actions: readonly string[]): Action | undefined {
  if (actions.includes("create") && actions.includes("delete")) return "replaced";
  if (actions.includes("create")) return "added";
  if (actions.includes("update")) return "changed";
  if (actions.includes("delete")) return "destroyed";
  return actions.includes("forget") ? "forgotten" : undefined;
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

/** Attributes that protect data, and the changes that lower the protection. */
const PROTECTIONS: readonly {
  readonly type: string;
  readonly path: RegExp;
  readonly lowers: (before: string, after: string) => boolean;
  readonly what: string;
}[] = [
  {
    type: "aws_dynamodb_table",
    path: /^deletion_protection_enabled$/,
    lowers: (before, after) => before === "true" && after !== "true",
    what: "can be deleted",
  },
  {
    type: "aws_dynamodb_table",
    path: /^point_in_time_recovery\.0\.enabled$/,
    lowers: (before, after) => before === "true" && after !== "true",
    what: "can no longer be restored to any second",
  },
  {
    type: "aws_s3_bucket_versioning",
    path: /^versioning_configuration\.0\.status$/,
    lowers: (before, after) => before === '"Enabled"' && after !== '"Enabled"',
    what: "no longer keeps overwritten or deleted versions",
  },
  {
    type: "aws_cloudwatch_log_group",
    path: /^retention_in_days$/,
    lowers: (before, after) => Number(after) > 0 && (Number(before) === 0 || Number(after) < Number(before)),
    what: "deletes its logs earlier",
  },
  {
    type: "aws_sqs_queue",
    path: /^message_retention_seconds$/,
    lowers: (before, after) => Number(after) < Number(before),
    what: "deletes its messages earlier",
  },
];

function lessProtection({ type, address }: ResourceChange, { action, values }: ReviewedChange): readonly string[] {
  if (action !== "changed") return [];
  return PROTECTIONS.filter((protection) => protection.type === type).flatMap(({ path, lowers, what }) =>
    values
      .filter(({ path: each, before = "", after = "" }) => path.test(each) && lowers(before, after))
      .map(({ before = "nothing", after = "nothing" }) => `${address} ${what} (${before} → ${after})`),
  );
}

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
