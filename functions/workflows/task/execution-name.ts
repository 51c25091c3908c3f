/** The name of a task's execution, from its id. No I/O. */
import { createHash } from "node:crypto";

/** Step Functions' limit is 80 characters. CloudWatch Logs supports only these. */
const SAFE_NAME = /^[\w-]{1,80}$/;

/** The suffix of a derived name: 128 bits of SHA-256. */
const HASH_SUFFIX = /_[0-9a-f]{32}$/;
const READABLE_CHARACTERS = 47;

/**
 * A task ID is its execution's name, when Step Functions accepts it. Otherwise the name is the readable part of the ID and a hash.
 * IDs that look like derived names are hashed too, so different IDs have different names.
 */
export function executionNameOf(taskId: string): string {
  if (SAFE_NAME.test(taskId) && !HASH_SUFFIX.test(taskId)) return taskId;
  const readable = taskId.replace(/[^\w-]+/g, "-").slice(0, READABLE_CHARACTERS);
  return `${readable}_${createHash("sha256").update(taskId).digest("hex").slice(0, 32)}`;
}
