import type { Construct } from "constructs";
import { Rule, type RuleProps } from "./event-rule";

export interface ScheduleProps extends RuleProps {
  /** `rate(5 minutes)` or `cron(0 17 * * ? *)`, UTC; or a variable of the module that holds one. */
  readonly expression: string;
}

/** Invokes a function at every tick. */
export class Schedule extends Rule {
  constructor(scope: Construct, id: string, { expression, ...props }: ScheduleProps) {
    super(scope, id, props, { scheduleExpression: expression });
  }
}
