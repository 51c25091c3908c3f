/** Continuation tokens of the list of tasks. No I/O. */
import { BadRequestError } from "../../shared/handlers/http-errors";
import { parseJson } from "../../shared/input";
import type { TaskStatus } from "../contract";
import { pageKeySchema, type PageKey } from "./task-table";

/** An opaque token for the API's `next`. */
export function pageToken(key: PageKey): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws {@link BadRequestError} when the token is malformed or for another status */
export function parsePageToken(token: string | undefined, status: TaskStatus): PageKey | undefined {
  if (token === undefined) return undefined;
  try {
    const key = pageKeySchema.parse(parseJson(Buffer.from(token, "base64url").toString()));
    if (key.status === status) return key;
  } catch {
    // Malformed: rejected below.
  }
  throw new BadRequestError("query.next: is not the `next` of an earlier page of this status");
}
