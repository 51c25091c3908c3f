/**
 * A value that people wrote, for Terraform to take as it stands: in Terraform's JSON syntax, `${` and `%{` in any string begin
 * an expression.
 */
export function literal<T>(value: T): T;
export function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/[$%](?=\{)/g, (sign) => sign + sign);
  if (Array.isArray(value)) return value.map((item: unknown) => literal(item));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [literal(key), literal(item as unknown)]));
  }
  return value;
}
