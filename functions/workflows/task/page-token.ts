import { BadRequestError } from "../../shared/handlers/http-errors";
import type { TaskStatus } from "../contract";
import { pageKeySchema, type PageKey } from "./task-table";

/** Where a page begins, as callers hand it on. */
export function pageToken(key: PageKey): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws {@link BadRequestError} for what is no token, or one of another status */
export function parsePageToken(token: string | undefined, status: TaskStatus): PageKey | undefined {
  if (token === undefined) return undefined;
  try {
    const key = pageKeySchema.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
    if (key.status === status) return key;
  } catch {
    // As below.
  }
  throw new BadRequestError("query.next: is not what an earlier page of this status ended with");
}
