/** An EventBridge schedule of a function. */
import { conditional, Op, Token } from "cdktf";
import type { Construct } from "constructs";
import { Rule, type RuleProps } from "./event-rule";

export interface ScheduleProps extends RuleProps {
  /** `rate(5 minutes)` or `cron(0 17 * * ? *)`, UTC. */
  readonly expression: string;
}

/** Invokes a function on a schedule. */
export class Schedule extends Rule {
  constructor(scope: Construct, id: string, { expression, ...props }: ScheduleProps) {
    super(scope, id, props, { scheduleExpression: expression });
  }
}

/** `rate(5 minutes)`. EventBridge refuses `rate(1 minutes)`. */
export function rate(minutes: number): string {
  const plural = Token.isUnresolved(minutes)
    ? Token.asString(conditional(Op.eq(minutes, 1), "", "s"))
    : minutes === 1
      ? ""
      : "s";
  return `rate(${minutes} minute${plural})`;
}
