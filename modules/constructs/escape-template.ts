/** Escapes a user's value: in Terraform's JSON syntax, `${` and `%{` in any string start an expression. */
export function escapeTemplate<T>(value: T): T;
export function escapeTemplate(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/[$%](?=\{)/g, (sign) => sign + sign);
  if (Array.isArray(value)) return value.map((item: unknown) => escapeTemplate(item));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [escapeTemplate(key), escapeTemplate(item as unknown)]),
    );
  }
  return value;
}
