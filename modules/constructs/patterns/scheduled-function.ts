/** The pattern of a function on a schedule. */
import { Op, Token } from "cdktf";
import type { Construct } from "constructs";
import { MINUTE_SECONDS } from "../../../functions/shared/time";
import { Alarm } from "../resources/alarm";
import type { AlarmSpec } from "../alarm-spec";
import { FanOutSchedule } from "../resources/fan-out-schedule";
import { rate, Schedule } from "../resources/schedule";
import { AsyncFunction, type AsyncFunctionProps } from "./async-function";

/** One run may be late or throttled; three missing in a row are a fault. */
const MISSED_RUNS = 3;

/** @example { everyMinutes: 5, description: "Checks all targets" } */
interface RateSchedule {
  /** May be a Terraform variable. At most 480: CloudWatch alarms look back one day. */
  readonly everyMinutes: number;
  /** Parallel invocations per run, each with its number: {@link FanOutSchedule}. @default one, without a number */
  readonly targets?: number;
  readonly description: string;
}

/** @example { cron: "0 17 * * ? *", description: "Sends the daily report" } */
interface CronSchedule {
  /** EventBridge's six fields, UTC. */
  readonly cron: string;
  readonly description: string;
}

interface RateScheduleAlarms {
  readonly errors: AlarmSpec;
  /** Three runs in a row did not start. */
  readonly noInvocations: AlarmSpec;
}

export type ScheduledFunctionProps<E> = AsyncFunctionProps<E> &
  (
    | { readonly schedule: RateSchedule; readonly alarms: RateScheduleAlarms }
    | { readonly schedule: CronSchedule; readonly alarms: { readonly errors: AlarmSpec } }
  );

/** A function that EventBridge invokes on a schedule. */
export class ScheduledFunction<E extends { readonly [Name in keyof E]: string }> extends AsyncFunction<E> {
  constructor(scope: Construct, id: string, props: ScheduledFunctionProps<E>) {
    super(scope, id, props);
    const { schedule, alarms } = props;
    const { description } = schedule;
    if ("cron" in schedule) {
      new Schedule(this, "schedule", { description, expression: `cron(${schedule.cron})`, target: this });
      return;
    }
    const { everyMinutes, targets } = schedule;
    const expression = rate(everyMinutes);
    if (targets === undefined) new Schedule(this, "schedule", { description, expression, target: this });
    else new FanOutSchedule(this, "schedule", { description, expression, targets, target: this });
    if ("noInvocations" in alarms) this.createNoInvocationsAlarm(alarms.noInvocations, everyMinutes);
  }

  private createNoInvocationsAlarm(spec: AlarmSpec, everyMinutes: number): void {
    const seconds = MISSED_RUNS * MINUTE_SECONDS;
    new Alarm(this, "no-invocations", {
      spec,
      ...this.metric("Invocations"),
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: Token.isUnresolved(everyMinutes)
        ? Token.asNumber(Op.mul(everyMinutes, seconds))
        : everyMinutes * seconds,
      missingData: "breaching",
    });
  }
}
