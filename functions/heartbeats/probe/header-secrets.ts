/** Secret header values. No SDK, no I/O. */
import type { Target } from "../contract";

/** Names the parameter, never a value; has no cause, which might contain one. */
export class SecretReadError extends Error {
  override readonly name = "SecretReadError";
}

/** @throws {@link SecretReadError} */
export type ReadSecret = (parameter: string) => Promise<string>;

export const noSecrets: ReadSecret = (parameter) =>
  Promise.reject(new SecretReadError(`the parameter ${parameter} cannot be read`));

/** A target's headers with secrets filled in. */
export async function resolveHeaders({ headers }: Target, read: ReadSecret): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(headers).map(
    async ([name, value]) => [name, typeof value === "string" ? value : await read(value.ssm)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
