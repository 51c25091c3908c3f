/** Identifies what a plan means, so that the plan that was approved is the plan that is applied. */
import { createHash } from "node:crypto";
import { isFields } from "../shared/fields";
import type { Plan } from "./plan";
import { holdsTrue } from "./values";

/**
 * Equal for two plans that change the same values of the same resources and outputs, whenever they were made. Where values are known after
 * the apply only, what is written in their place is equal, too.
 */
export function digestOf(plan: Plan): string {
  const { resource_changes: changes, output_changes: outputs, configuration, timestamp } = plan;
  const resources = changes
    .filter(
      ({ mode, previous_address, change: { actions, importing } }) =>
        mode !== "data" &&
        (actions.some((action) => action !== "no-op") || previous_address !== undefined || importing !== undefined),
    )
    .map(({ address, previous_address, deposed, change }) => ({ address, previous_address, deposed, change }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
  const changedOutputs = Object.entries(outputs)
    .filter(([, { actions }]) => actions.some((action) => action !== "no-op"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const isKnown = [...resources.map(({ change }) => change), ...changedOutputs.map(([, change]) => change)].every(
    ({ after_unknown: unknown }) => !holdsTrue(unknown),
  );
  const canonical = JSON.stringify([resources, changedOutputs, isKnown ? {} : configuration], (_, value: unknown) =>
    isFields(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  // The time of a plan is a value of what it creates: the pipelines' creationTime().
  const timeless = timestamp === undefined ? canonical : canonical.replaceAll(timestamp, "the time of the plan");
  return createHash("sha256").update(timeless).digest("hex");
}
