/** What runs next: the environment's schedules, cron monitors and timers. */
import { nextTick } from "../../features/schedules/feature-ticks";
import { fieldsOf } from "../../shared/fields";
import type { RunView } from "../contract";
import type { Environment } from "./source";

/** A rule of EventBridge, or a schedule of its Scheduler, that invokes something. */
export interface ScheduleRule {
  readonly name: string;
  readonly feature: string;
  /** `rate(1 minute)`, `cron(0 17 * * ? *)` */
  readonly expression: string;
  readonly timeZone: string;
  readonly isEnabled: boolean;
  /** The functions that it invokes, as log lines name them. */
  readonly functionNames: readonly string[];
}

export function rulesOf({ resources, app, name: environment }: Environment): readonly ScheduleRule[] {
  const prefix = `${app}-${environment}-`;
  const targets = resources.filter(({ type }) => type === "aws_cloudwatch_event_target");
  return resources.flatMap(({ type, module, values }) => {
    const expression = values["schedule_expression"];
    if (!/^aws_(cloudwatch_event_rule|scheduler_schedule)$/.test(type) || typeof expression !== "string") return [];
    if (expression === "") return [];
    const name = String(values["name"]);
    const arns =
      type === "aws_scheduler_schedule"
        ? targetsOf(values["target"])
        : targets.filter((target) => target.values["rule"] === name).map((target) => String(target.values["arn"]));
    return [
      {
        name: name.replace(prefix, ""),
        feature: module,
        expression,
        timeZone: textOf(values["schedule_expression_timezone"]) || "UTC",
        isEnabled: values["state"] !== "DISABLED" && values["is_enabled"] !== false,
        functionNames: [...new Set(arns.map((arn) => (arn.split(":").at(-1) ?? "").replace(prefix, "")))],
      },
    ];
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function targetsOf(target: unknown): readonly string[] {
  return Array.isArray(target) ? target.map((each) => String(fieldsOf(each)["arn"])) : [];
}

/** @returns epoch milliseconds; undefined: never, or not known */
export function nextRunOf(
  { isEnabled, expression, timeZone, functionNames }: ScheduleRule,
  runs: readonly RunView[],
  now: number,
): number | undefined {
  if (!isEnabled) return undefined;
  const last = runs.find(({ functionName }) => functionNames.includes(functionName));
  return nextTick({ schedule: expression, timeZone }, last && Date.parse(last.at), now);
}
