/** Checks synthesized resources against the rules of their types. */
import { resourcesOf, stackSchema, type Resource } from "../../../modules/synthesized/resources";
import { duplicateNames } from "../../../modules/synthesized/quotas";
import type { TerraformJson } from "../synthesized";
import { COMPUTE } from "./compute";
import { EVENTS } from "./events";
import { nameOf, textsOf, valuesAt, type Rules, type World } from "./rule";
import { STORAGE } from "./storage";
import { WEB } from "./web";

export const RULES: Readonly<Record<string, Rules>> = { ...STORAGE, ...COMPUTE, ...EVENTS, ...WEB };

/** The resources of a synthesized environment. */
export function worldOf(
  { root, modules }: { readonly root: TerraformJson; readonly modules: Readonly<Record<string, TerraformJson>> },
  { prefix, protectsData }: Pick<World, "prefix" | "protectsData">,
): World {
  const resources = resourcesOf(stackSchema.parse(root), (name) => stackSchema.parse(modules[name]));
  return { resources: resources.map(withoutMetadata), prefix, protectsData };
}

const withoutMetadata = ({ values: { "//": _, ...values }, ...resource }: Resource): Resource => ({
  ...resource,
  values,
});

/** A rule that does not hold. */
export interface Fault {
  readonly address: string;
  readonly path: string;
  readonly why: string;
}

/** Alarms of the functions' own metrics. */
const METRIC_ALARMS = [
  "heartbeats.broken_checks",
  "heartbeats.failed_notifications",
  "timers.cursor_lag",
  "exports.empty_exports",
  "exports.unusable_items",
  "workflows.stuck_tasks",
  "pipelines.overdue_notifications",
  "pipelines.unreadable_notifications",
  "schedules.failed",
  "schedules.missed",
  "schedules.late",
];

const REFERENCE = /\$\{((?:module\.\w+\.)?(?:aws_\w+|terraform_data)\.\w+)\.[\w.]+\}/g;

/** What holds for an environment as a whole. */
const ENVIRONMENT: readonly { readonly why: string; readonly faults: (world: World) => readonly string[] }[] = [
  {
    why: "what is referred to is there",
    faults: ({ resources }) => {
      const known = new Set(resources.map(({ address }) => address));
      return resources.flatMap(({ address, values }) =>
        [...JSON.stringify(values).matchAll(REFERENCE)].some(([, target = ""]) => !known.has(target)) ? [address] : [],
      );
    },
  },
  {
    why: "what is waited for is there",
    faults: ({ resources }) => {
      const known = new Set(resources.map(({ address }) => address));
      return resources.flatMap(({ address, module, values }) => {
        const prefix = module === "" ? "" : `module.${module}.`;
        const dependencies = textsOf(values["depends_on"]).map((each) => `${prefix}${each}`);
        return dependencies.some((each) => !known.has(each)) ? [address] : [];
      });
    },
  },
  {
    why: "custom metrics have their alarms, and each scheduled export one for being late",
    faults: ({ resources }) => {
      const modules = new Set(resources.map(({ module }) => module));
      const known = new Set(resources.map(({ address }) => address));
      const late = resources.flatMap(({ address }) => {
        const [, name] = /^module\.exports\.aws_cloudwatch_event_rule\.schedule_(\w+)$/.exec(address) ?? [];
        return name === undefined ? [] : [`exports.late_${name}`];
      });
      return [...METRIC_ALARMS, ...late]
        .map((each) => each.split("."))
        .map(([module = "", name = ""]) => ({
          module,
          address: `module.${module}.aws_cloudwatch_metric_alarm.${name}`,
        }))
        .flatMap(({ module, address }) => (!modules.has(module) || known.has(address) ? [] : [address]));
    },
  },
  {
    why: "names are unique",
    faults: ({ resources }) => duplicateNames(resources),
  },
  {
    why: "alarms reach somebody, and people see how it goes",
    faults: ({ resources }) =>
      ["aws_kms_alias", "aws_sns_topic_policy", "aws_sns_topic_subscription", "aws_cloudwatch_dashboard"].filter(
        (type) => !resources.some((resource) => resource.type === type),
      ),
  },
  {
    why: "the objects that functions may read are there",
    faults: ({ resources }) =>
      resources.flatMap(({ address, module, type, values }) =>
        type !== "aws_iam_role_policy"
          ? []
          : [...String(values["policy"]).matchAll(/aws_s3_bucket\.configuration\.arn\}\/([\w./-]+)"/g)].some(
                ([, key]) => !resources.some((each) => each.module === module && each.values["key"] === key),
              )
            ? [address]
            : [],
      ),
  },
];

/** Every rule that does not hold. */
export function faultsOf(world: World): readonly Fault[] {
  return [
    ...ENVIRONMENT.flatMap(({ why, faults }) => faults(world).map((address) => ({ address, path: "", why }))),
    ...world.resources.flatMap((resource) => resourceFaults(resource, world)),
  ];
}

/** Whether a rule does not hold after a change of one module: rules look at one module, and at the whole. */
export function isFaulty(world: World, module: string): boolean {
  const near = world.resources.filter((each) => module === "" || each.module === module);
  return (
    near.some((resource) => resourceFaults(resource, world).length > 0) ||
    ENVIRONMENT.some(({ faults }) => faults(world).length > 0)
  );
}

function resourceFaults(resource: Resource, world: World): readonly Fault[] {
  return Object.entries(RULES[resource.type] ?? {}).flatMap(([path, rule]) => {
    if ("indifferent" in rule) return [];
    const values = path === "" ? [undefined] : valuesAt(resource.values, path.split("."));
    const holds = values.every((value) => rule.check(value, resource, world));
    return holds ? [] : [{ address: resource.address, path, why: rule.why }];
  });
}

/** Objects that are a value by themselves: their names are data. */
const MAPS: ReadonlySet<string> = new Set([
  "variables",
  "triggers",
  "dimensions",
  "parameters",
  "response_parameters",
  "request_templates",
  "response_templates",
  "input_paths",
]);

/** Every attribute that a resource has, by path. */
export function pathsOf(values: unknown, path = ""): readonly string[] {
  if (Array.isArray(values) && values.some((item) => typeof item === "object"))
    return [...new Set(values.flatMap((item: unknown) => pathsOf(item, path)))];
  const isMap = MAPS.has(path.split(".").at(-1) ?? "");
  if (typeof values !== "object" || values === null || Array.isArray(values) || isMap) return [path];
  return Object.entries(values).flatMap(([key, value]) => pathsOf(value, path === "" ? key : `${path}.${key}`));
}

/** Attributes that no rule covers. */
export function uncovered(world: World): readonly string[] {
  const found = world.resources.flatMap((resource) =>
    pathsOf(resource.values).flatMap((path) =>
      RULES[resource.type]?.[path] === undefined ? [`${resource.type}.${path} (${nameOf(resource)})`] : [],
    ),
  );
  return [...new Set(found)];
}
