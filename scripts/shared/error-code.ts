/** The code of a system error, such as "ENOENT". Not by `instanceof`: jest's errors are of another realm than Node's. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
