/** What a plan says beyond its resources: that it is not whole, and what this version of Almanac does not know. */
import { fieldsOf, isFields } from "../shared/fields";
import type { Finding } from "./findings";
import type { Change, Plan } from "./plan";

/** Stands for the plan where findings have an address: `--allow plan`. */
const PLAN = "plan";

/** The sections of a plan that a review reads, or that repeat others. */
const SECTIONS: ReadonlySet<string> = new Set([
  "applyable",
  "checks",
  "complete",
  "configuration",
  "deferred_changes",
  "errored",
  "format_version",
  "output_changes",
  "planned_values",
  "prior_state",
  "proposed_unknown",
  "relevant_attributes",
  "resource_changes",
  "resource_drift",
  "terraform_version",
  "timestamp",
  "variables",
]);

/** What Terraform does with a resource. */
const ACTIONS: ReadonlySet<string> = new Set(["no-op", "create", "read", "update", "delete", "forget"]);

export function planFindings(plan: Plan, allowed: ReadonlySet<string>): readonly Finding[] {
  const { complete, deferred_changes: deferred, resource_changes: changes, output_changes: outputs, checks } = plan;
  const finding = (address: string, what: string, more: Partial<Finding> = {}): Finding => ({
    verdict: "unclassified",
    address,
    what,
    changes: [],
    refused: true,
    allowed: allowed.has(address),
    ...more,
  });
  return [
    ...deferred.map(({ resource_change: { address } }) =>
      finding(address, "is deferred: what becomes of it is in a later plan"),
    ),
    ...(complete || deferred.length > 0
      ? []
      : [finding(PLAN, "is not complete: other changes follow in a later plan")]),
    ...Object.entries(plan)
      .filter(([section, content]) => !SECTIONS.has(section) && !isNothing(content))
      .map(([section]) => finding(PLAN, `has ${section}, which this version of Almanac does not know`)),
    ...changes.flatMap(({ address, mode, change: { actions } }) => {
      if (mode !== "managed" && mode !== "data")
        return [finding(address, `has the mode ${mode}, which is not classified`)];
      const unknown = actions.filter((action) => !ACTIONS.has(action));
      return unknown.length === 0
        ? []
        : [finding(address, `has the action ${unknown.join()}, which is not classified`)];
    }),
    ...Object.entries(outputs)
      .filter(([, { before_sensitive: was, after_sensitive: is }]) => was === true && is !== true)
      .map(([name]) => finding(`output.${name}`, "is no longer sensitive: it is shown", { verdict: "exposure" })),
    ...Object.entries(outputs)
      .flatMap(([name, change]) => removedOutputs(name, change))
      .map((name) =>
        finding(`output.${name}`, "is no longer an output: what reads it from the state fails", {
          verdict: "identity",
          refused: false,
        }),
      ),
    ...checks
      .filter(({ status }) => status === "fail" || status === "error")
      .map(({ address, status }) =>
        finding(address.to_display, `is a check with the result: ${status}`, { refused: false }),
      ),
  ];
}

/** An output that is removed, or what a feature's no longer has: `exports-outputs.bucket`. */
function removedOutputs(name: string, { actions, before, after, after_unknown: unknown }: Change): readonly string[] {
  if (actions.includes("delete")) return actions.includes("create") ? [] : [name];
  if (!isFields(before) || !isFields(after)) return [];
  return Object.keys(before)
    .filter((key) => !(key in after) && !(key in fieldsOf(unknown)))
    .map((key) => `${name}.${key}`);
}

function isNothing(content: unknown): boolean {
  return (
    content === null ||
    content === false ||
    ((Array.isArray(content) || isFields(content)) && Object.keys(content).length === 0)
  );
}
