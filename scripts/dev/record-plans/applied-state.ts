/** The state that an apply of a plan would leave, with made-up values for those that AWS would give. */
import * as z from "zod";

interface Planned {
  readonly resources: readonly {
    readonly address: string;
    readonly mode: string;
    readonly type: string;
    readonly name: string;
    readonly schema_version: number;
  }[];
  readonly child_modules: readonly Planned[];
}
const plannedSchema: z.ZodType<Planned> = z.object({
  resources: z
    .array(
      z.object({
        address: z.string(),
        mode: z.string(),
        type: z.string(),
        name: z.string(),
        schema_version: z.int(),
      }),
    )
    .default([]),
  get child_modules() {
    return z.array(plannedSchema).default([]);
  },
});

const fieldsSchema = z.record(z.string(), z.unknown());
type Fields = z.output<typeof fieldsSchema>;
const planSchema = z.object({
  terraform_version: z.string(),
  planned_values: z.object({ root_module: plannedSchema }),
  resource_changes: z.array(
    z.object({
      address: z.string(),
      index: z.union([z.string(), z.number()]).optional(),
      module_address: z.string().optional(),
      change: z.object({
        actions: z.array(z.string()),
        before: fieldsSchema.nullish(),
        after: fieldsSchema.nullish(),
        after_unknown: z.unknown(),
      }),
    }),
  ),
});

/** A plan, as JSON: whether it would change anything. */
export function isEmpty(plan: string): boolean {
  return planSchema
    .parse(JSON.parse(plan))
    .resource_changes.every(({ change }) => change.actions.every((action) => action === "no-op" || action === "read"));
}

/** What other resources refer to: text each. Other attributes that AWS gives stay empty. */
const GIVEN = /^(id|arn|.*_arn|url|root_resource_id|domain_name|.*_domain_name|hosted_zone_id|key_id|etag)$/;

/** Without it, the provider plans the role again. */
const NO_POLICIES = { managed_policy_arns: [] };

/**
 * The state file after a plan.
 *
 * @param plan as `terraform show -json` prints it
 * @param older attributes that differ, by address: as another release has left them
 */
export function appliedState(
  plan: string,
  older: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
): string {
  const { terraform_version, planned_values, resource_changes } = planSchema.parse(JSON.parse(plan));
  const changes = new Map(resource_changes.map((change) => [change.address, change] as const));
  const resources = managedIn(planned_values.root_module).map(({ address, mode, type, name, schema_version }) => {
    const { index, module_address, change } = changes.get(address) ?? {};
    const unknown = fieldsSchema.safeParse(change?.after_unknown).data ?? {};
    const given = Object.entries(unknown)
      .filter(([field, value]) => value === true && GIVEN.test(field))
      .map(([field]): [string, unknown] => [
        field,
        change?.before?.[field] ?? valueOf(field, type, address, change?.after ?? {}),
      ]);
    const attributes = {
      ...change?.after,
      ...(unknown["managed_policy_arns"] === true && NO_POLICIES),
      ...Object.fromEntries(given),
      ...older[address],
    };
    return {
      ...(module_address !== undefined && { module: module_address }),
      mode,
      type,
      name,
      provider: 'provider["registry.terraform.io/hashicorp/aws"]',
      instances: [{ ...(index !== undefined && { index_key: index }), schema_version, attributes }],
    };
  });
  return JSON.stringify({ version: 4, terraform_version, serial: 1, lineage: "recorded", outputs: {}, resources });
}

/** `arn:aws:sqs:eu-central-1:123456789012:heartbeats.dead_letters` */
function valueOf(field: string, type: string, address: string, { bucket, name }: Fields): string {
  const path = address.replaceAll(/module\.|aws_\w+\./g, "");
  const id = [bucket, name].find((part) => typeof part === "string") ?? path.replaceAll(/[^\w]/g, "-");
  if (!field.endsWith("arn")) return id;
  if (type === "aws_s3_bucket") return `arn:aws:s3:::${id}`;
  const [, service = ""] = /^aws_([a-z0-9]+)/.exec(type) ?? [];
  return `arn:aws:${service}:eu-central-1:123456789012:${path}`;
}

function managedIn({ resources, child_modules }: Planned): Planned["resources"] {
  return [...resources.filter(({ mode }) => mode === "managed"), ...child_modules.flatMap(managedIn)];
}
