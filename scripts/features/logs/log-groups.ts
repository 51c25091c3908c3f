/** The log groups of an environment's functions. */
import { UsageError } from "../../shared/terminal/command-line";
import { nearest } from "../../../modules/constructs/nearest";
import { resourcesOfState, type State } from "../../terraform/state";

export interface LogGroup {
  /** `/aws/lambda/almanac-staging-timers-dispatch` */
  readonly name: string;
  /** `timers` */
  readonly feature: string;
  /** `timers-dispatch` */
  readonly functionName: string;
}

export function logGroupsOf(environment: string, state: Pick<State, "resources">): readonly LogGroup[] {
  return resourcesOfState(state)
    .flatMap(({ type, module, values }) => {
      const name = type === "aws_cloudwatch_log_group" ? String(values["name"]) : "";
      const [, functionName] = new RegExp(`^/aws/lambda/[a-z0-9-]+?-${environment}-(.+)$`).exec(name) ?? [];
      return functionName === undefined ? [] : [{ name, feature: module, functionName }];
    })
    .sort((a, b) => (a.functionName < b.functionName ? -1 : 1));
}

/**
 * The groups of a feature (`timers`), or of a function (`timers-dispatch`); all without a name.
 * @throws UsageError
 */
export function chosenGroups(groups: readonly LogGroup[], name: string | undefined): readonly LogGroup[] {
  if (name === undefined) return groups;
  const chosen = groups.filter(
    ({ name: group, feature, functionName }) => name === feature || name === functionName || group.endsWith(`/${name}`),
  );
  if (chosen.length > 0) return chosen;
  const names = [...new Set(groups.flatMap(({ feature, functionName }) => [feature, functionName]))];
  const suggestion = nearest(name, names);
  throw new UsageError(
    `There is no feature or function "${name}".${suggestion === undefined ? ` There are: ${names.join(", ")}` : ` Did you mean ${suggestion}?`}`,
  );
}
