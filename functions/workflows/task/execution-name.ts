import { createHash } from "node:crypto";

/** Step Functions takes 80 characters; CloudWatch logs only what is made of these. */
const SAFE = /^[\w-]{1,80}$/;

/** How the names end that are made here: 128 bits of SHA-256. */
const HASHED = /_[0-9a-f]{32}$/;
const READABLE_LENGTH = 47;

/**
 * An execution's name for a task: the id itself where Step Functions takes it, or else what of it can be read, and a hash. No two
 * ids have one name: an id that looks like a name made here gets a hash of its own.
 */
export function executionNameOf(taskId: string): string {
  if (SAFE.test(taskId) && !HASHED.test(taskId)) return taskId;
  const readable = taskId.replace(/[^\w-]+/g, "-").slice(0, READABLE_LENGTH);
  return `${readable}_${createHash("sha256").update(taskId).digest("hex").slice(0, 32)}`;
}
