/** The schedules of Almanac's own features: EventBridge's rules in Terraform's state. */
import { randomUUID } from "node:crypto";
import {
  nextInstant,
  rateMs,
  scheduleFault,
  type Instants,
} from "../../../functions/shared/calendar/schedule-expression";
import { isoSeconds } from "../../../functions/shared/time";
import { resourcesOfState, type State } from "../../terraform/state";

export interface FeatureTick {
  /** `exports-orders`, `timers-dispatch` */
  readonly name: string;
  /** `rate(1 minute)`, `cron(0 17 * * ? *)`, UTC. */
  readonly schedule: string;
  readonly ruleArn: string;
  readonly functionArn: string;
  /** Of a rule that invokes its function several times: the index of each target. */
  readonly targets: readonly { readonly target: number; readonly targets: number }[];
}

export function ticksOf(environment: string, state: Pick<State, "resources">): readonly FeatureTick[] {
  const resources = resourcesOfState(state);
  const targets = resources.filter(({ type }) => type === "aws_cloudwatch_event_target");
  return resources
    .filter(({ type, values }) => type === "aws_cloudwatch_event_rule" && textOf(values["schedule_expression"]) !== "")
    .flatMap(({ values, module }): FeatureTick[] => {
      const rule = textOf(values["name"]);
      const own = targets.filter((target) => target.values["rule"] === rule);
      const functionArn = textOf(own[0]?.values["arn"]);
      if (functionArn === "") return [];
      return [
        {
          name: tickName(rule, environment, module),
          schedule: textOf(values["schedule_expression"]),
          ruleArn: textOf(values["arn"]),
          functionArn,
          targets: own.flatMap(({ values: target }) => indexOf(target["input_transformer"])),
        },
      ];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The events that EventBridge would send now. */
export function eventsOf({ ruleArn, targets }: FeatureTick, now: number): readonly Readonly<Record<string, unknown>>[] {
  const [, , , region = "", account = ""] = ruleArn.split(":");
  const event = {
    version: "0",
    id: randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.events",
    account,
    time: isoSeconds(now),
    region,
    resources: [ruleArn],
    detail: {},
  };
  return targets.length === 0 ? [event] : targets.map((target) => ({ ...event, ...target }));
}

/**
 * When EventBridge invokes a rule's targets next. AWS counts a rate from the creation of its rule, and does not return that time: this
 * counts it from the last run.
 *
 * @returns epoch milliseconds; undefined: never, or not known
 */
export function nextTick(
  { schedule, timeZone }: Pick<Instants, "schedule" | "timeZone">,
  lastAt: number | undefined,
  now: number,
): number | undefined {
  if (scheduleFault(schedule) !== undefined) return undefined;
  if (rateMs(schedule) === undefined) return nextInstant({ schedule, timeZone }, now);
  if (lastAt === undefined) return undefined;
  return nextInstant({ schedule, timeZone, startAt: new Date(lastAt).toISOString() }, Math.max(now, lastAt));
}

/** `almanac-staging-exports-schedule-orders` -> `exports-orders` */
function tickName(rule: string, environment: string, feature: string): string {
  const prefix = `-${environment}-`;
  return rule.slice(rule.indexOf(`${prefix}${feature}-`) + prefix.length).replace(/-schedule(?=-|$)/, "");
}

function indexOf(transformer: unknown): FeatureTick["targets"] {
  const [, target, targets] = /"target": (\d+), "targets": (\d+)/.exec(unescaped(transformer)) ?? [];
  return target === undefined ? [] : [{ target: Number(target), targets: Number(targets) }];
}

const unescaped = (value: unknown): string => JSON.stringify(value ?? "").replaceAll('\\"', '"');

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
