/** Strings of Terraform's JSON syntax: literal text with `${expressions}`. */

export interface TemplatePart {
  readonly kind: "literal" | "expression";
  /** Literal text without escapes, or the expression without its braces. */
  readonly text: string;
}

/** Text that begins no template. */
const PLAIN = /[^$%]*/y;

/**
 * Literals and expressions of `rate(${var.minutes} minutes)`. `$${` and `%%{` are literal.
 *
 * @throws for a directive (`%{ if ... }`), which nothing of ours uses: JSONata such as `{%{}%}` needs a space, `{% {} %}`
 */
export function splitTemplate(text: string): TemplatePart[] {
  if (!text.includes("{")) return [{ kind: "literal", text }];
  const parts: TemplatePart[] = [];
  let literal = "";
  const endLiteral = () => {
    if (literal !== "") parts.push({ kind: "literal", text: literal });
    literal = "";
  };
  for (let at = 0; at < text.length;) {
    if (text.startsWith("$${", at) || text.startsWith("%%{", at)) {
      literal += text.slice(at + 1, at + 3);
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = endOfExpression(text, at + 2);
      endLiteral();
      parts.push({ kind: "expression", text: text.slice(at + 2, end).trim() });
      at = end + 1;
    } else if (text.startsWith("%{", at)) {
      throw new Error(`Terraform would take this for a template directive: ${text.slice(at, at + 40)}`);
    } else {
      PLAIN.lastIndex = at + 1;
      PLAIN.test(text);
      literal += text.slice(at, PLAIN.lastIndex);
      at = PLAIN.lastIndex;
    }
  }
  endLiteral();
  return parts.length === 0 ? [{ kind: "literal", text: "" }] : parts;
}

/** The inverse of {@link splitTemplate} for a literal. */
export function escapeLiteral(text: string): string {
  return text.replace(/[$%](?=\{)/g, "$&$&");
}

/** {@link escapeLiteral} for all texts of a value, names of fields too. */
export function escapeTemplate<T>(value: T): T;
export function escapeTemplate(value: unknown): unknown {
  if (typeof value === "string") return escapeLiteral(value);
  if (Array.isArray(value)) return value.map((item: unknown) => escapeTemplate(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [escapeLiteral(key), escapeTemplate(item as unknown)]),
  );
}

/** The closing brace of the expression that begins at `from`. Strings in it may contain templates, at any depth. */
function endOfExpression(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at + 1);
    else if (sign === "{") depth += 1;
    else if (sign === "}" && depth === 0) return at;
    else if (sign === "}") depth -= 1;
  }
  return text.length;
}

function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
    else if (text.startsWith("$${", at) || text.startsWith("%%{", at)) at += 2;
    else if (text.startsWith("${", at) || text.startsWith("%{", at)) at = endOfExpression(text, at + 2);
  }
  return text.length;
}
