/** What the lifecycle rules of a bucket do to a state in it. */
import type { LifecycleRule, TransitionStorageClass } from "@aws-sdk/client-s3";

/** How long an older version of the state is kept. */
export const OLD_STATE_DAYS = 90;

/** An object of these has to be restored, which takes hours, before it can be read. */
const ARCHIVES: ReadonlySet<TransitionStorageClass | undefined> = new Set(["GLACIER", "DEEP_ARCHIVE"] as const);

/** Each a sentence that says what to do. Terraform takes a state that has expired for an empty one, and would create everything again. */
export function lifecycleWeaknesses(rules: readonly LifecycleRule[], key: string): readonly string[] {
  return rules
    .filter((rule) => rule.Status === "Enabled" && appliesTo(rule, key))
    .flatMap((rule) =>
      harmsOf(rule).map((harm) => `its lifecycle rule "${rule.ID ?? ""}" ${harm}. Exclude ${key} from it.`),
    );
}

function harmsOf({ Expiration, Transitions = [], NoncurrentVersionExpiration }: LifecycleRule): readonly string[] {
  const { NoncurrentDays: days, NewerNoncurrentVersions: newer = 0 } = NoncurrentVersionExpiration ?? {};
  return [
    ...(Expiration?.Days !== undefined || Expiration?.Date !== undefined ? ["deletes the current state"] : []),
    ...(Transitions.some(({ StorageClass }) => ARCHIVES.has(StorageClass))
      ? ["archives the current state, which Terraform can then not read"]
      : []),
    ...(days !== undefined && days < OLD_STATE_DAYS && newer === 0
      ? [`deletes an older state after ${days} of ${OLD_STATE_DAYS} days, so that a lost state cannot be restored`]
      : []),
  ];
}

/** Terraform writes states without tags. Their size changes, so that one for a size may apply. */
function appliesTo({ Filter = {}, ...older }: LifecycleRule, key: string): boolean {
  const { And: { Tags = [], ...and } = {}, Tag } = Filter;
  const prefixes = [older, Filter, and].map(prefixOf);
  return Tag === undefined && Tags.length === 0 && prefixes.every((prefix) => key.startsWith(prefix));
}

/** Rules of before 2016 have theirs beside the filter. */
function prefixOf(filter: object): string {
  return "Prefix" in filter && typeof filter.Prefix === "string" ? filter.Prefix : "";
}
