/** Headers whose values are secrets. No SDK, no I/O. */
import type { Target } from "../contract";

/** A secret could not be read. Its message names the parameter, never a value; nor is there a cause that might. */
export class SecretReadError extends Error {
  override readonly name = "SecretNotReadError";
}

/** @throws {@link SecretNotReadError} */
export type ReadSecret = (parameter: string) => Promise<string>;

export const noSecrets: ReadSecret = (parameter) =>
  Promise.reject(new SecretReadError(`the parameter ${parameter} cannot be read from here`));

/** A target's headers as they are sent. */
export async function resolveHeaders({ headers }: Target, read: ReadSecret): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(headers).map(
    async ([name, value]) => [name, typeof value === "string" ? value : await read(value.ssm)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
