/** The hash by which equal inputs of a task are recognised. No I/O. */
import { createHash } from "node:crypto";

/** 128 bits of SHA-256, the same for equal JSON, whatever the order of names. */
export function hashOf(value: unknown): string {
  const sorted = JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
  return createHash("sha256").update(sorted).digest("hex").slice(0, 32);
}
