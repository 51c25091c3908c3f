/** cdktf's tokens: values that it knows only when it writes a stack. */

/** In a text: a marker, or a number that stands for one. */
const TOKEN = /\{TfToken\[|\de\+\d/;

/** As `resolve`, which is cdktf's own: it takes ten times as long for what has no token, and that is most of a stack. */
export function resolveTokens(value: unknown, resolve: (value: unknown) => unknown): unknown {
  if (typeof value === "string") return TOKEN.test(value) ? resolve(value) : value;
  if (typeof value === "boolean" || value === null || value === undefined) return value;
  if (Array.isArray(value))
    return value.some(standsForAll)
      ? resolve(value)
      : value.map((item) => resolveTokens(item, resolve)).filter((item) => item !== undefined);
  if (!isPlain(value) || Object.keys(value).some(standsForAll)) return resolve(value);
  const fields = Object.entries(value).map(([key, item]) => [key, resolveTokens(item, resolve)] as const);
  return Object.fromEntries(fields.filter(([, item]) => item !== undefined));
}

/** Whether an item of a list, or a name in an object, may be a token of the whole list or object. */
function standsForAll(item: unknown): boolean {
  return typeof item === "number" || (typeof item === "string" && TOKEN.test(item));
}

function isPlain(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !("resolve" in value)
  );
}
