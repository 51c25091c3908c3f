/** Which ids the callers of an API may name. IAM judges paths; it sees neither the body of a batch nor the items of a list. */
import * as z from "zod";

import { parseJson } from "../input";
import { ForbiddenError } from "./http-errors";

/** `arn:aws:iam::111122223333:role/service/billing`, or a user's. */
const PRINCIPAL = /^arn:[\w-]+:iam::(\d{12}):(role|user)\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]{1,64})$/;

/** Prefixes of ids by the ARN of an IAM role or user. The empty prefix allows every id. A caller that is not listed may name none. */
export const scopesSchema = z.record(
  z.string().regex(PRINCIPAL, "is not the ARN of an IAM role or user"),
  z.array(z.string()).min(1, "has no prefix"),
);
export type Scopes = z.output<typeof scopesSchema>;

/** An environment variable with {@link Scopes} in JSON. */
export const scopesVariable = z.string().transform((text) => scopesSchema.parse(parseJson(text)));

/** The ids that one caller may name. */
export interface Scope {
  readonly includes: (id: string) => boolean;
  /** @throws {@link ForbiddenError} */
  readonly check: (id: string) => void;
}

/**
 * @param scopes undefined: every caller may name every id
 * @param userArn of the request's signer, as API Gateway passes it: of a role's session, without the role's path
 */
export function scopeOf(userArn: string | undefined, scopes: Scopes | undefined): Scope {
  const prefixes = scopes === undefined ? [""] : prefixesOf(userArn ?? "", scopes);
  const includes = (id: string): boolean => prefixes.some((prefix) => id.startsWith(prefix));
  const check = (id: string): void => {
    if (!includes(id)) throw new ForbiddenError("the caller's scope does not include this id");
  };
  return { includes, check };
}

function prefixesOf(userArn: string, scopes: Scopes): readonly string[] {
  const caller = callerOf(userArn);
  return Object.entries(scopes).flatMap(([arn, prefixes]) => {
    const [, account = "", type = "", name = ""] = PRINCIPAL.exec(arn) ?? [];
    return caller === `${account}:${type}/${name}` ? prefixes : [];
  });
}

/** Names are unique in an account, whatever their path. */
function callerOf(userArn: string): string | undefined {
  const [, account = "", role] = /^arn:[\w-]+:sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(userArn) ?? [];
  if (role !== undefined) return `${account}:role/${role}`;
  const [, userAccount = "", user] = /^arn:[\w-]+:iam::(\d{12}):user\/(?:.+\/)?([^/]+)$/.exec(userArn) ?? [];
  return user === undefined ? undefined : `${userAccount}:user/${user}`;
}
