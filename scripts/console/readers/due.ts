/** What runs next: the environment's schedules, cron monitors and timers. */
import { MINUTE_MS } from "../../../functions/shared/time";
import { nextCronDue } from "../../../functions/shared/calendar/cron";
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

const UNIT_MS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 1_440 * MINUTE_MS };

/**
 * When a rule is due next. A rate counts from a time that AWS does not tell: from the last run of its function.
 * @returns epoch milliseconds; undefined: never, or not known
 */
export function nextRunOf(rule: ScheduleRule, runs: readonly RunView[], now: number): number | undefined {
  if (!rule.isEnabled) return undefined;
  const [, kind, inside = ""] = /^(rate|cron)\((.*)\)$/.exec(rule.expression) ?? [];
  if (kind === "cron") return nextCronDue(inside, rule.timeZone, now);
  const [, count, unit = ""] = /^(\d+) (minute|hour|day)s?$/.exec(inside) ?? [];
  const period = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  const last = runs.find(({ functionName }) => rule.functionNames.includes(functionName));
  if (last === undefined || !(period > 0)) return undefined;
  const since = now - Date.parse(last.at);
  return Date.parse(last.at) + period * Math.max(1, Math.ceil(since / period));
}
