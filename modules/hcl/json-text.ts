/** JSON documents in Terraform strings: policies and state machines. */
import { escapeLiteral, splitTemplate } from "./template";

/** Stand for an expression while the document is parsed: inside a string, and in place of a value. Private use, so no text has them. */
const IN_STRING = "\uE000";
const AS_VALUE = "\uE001";
const END = "\uE002";
const PLACEHOLDERS = /[\uE000-\uE002]/;

/** Attributes of resources and data sources that are strings. Others are converted: `"${var.count}"` in JSON is a string. */
const TEXT = /^(?:data\.)?aws_\w+\.\w+\.(?:\w*arn|id|account_id|name|partition|function_name|bucket|url|key|region)$/;

/**
 * The document of a JSON text with expressions: its strings and keys are templates again, for `jsonencode(...)` in HCL.
 *
 * @returns undefined for text that is not a JSON object or array
 */
export function parseJsonText(text: string): object | undefined {
  const { document, expressions } = withPlaceholders(text);
  const templates = withExpressions(document, expressions);
  return typeof templates === "object" && templates !== null ? templates : undefined;
}

/** The text as Terraform's `jsonencode` writes it: names sorted, no spaces, `<`, `>` and `&` escaped. Other text stays as it is. */
export function canonicalJsonText(text: string): string {
  const { document, expressions } = withPlaceholders(text);
  if (document === undefined) return text;
  return sortedText(document)
    .replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .split(/("?[\uE000\uE001]\d+\uE002"?)/)
    .map((part) => {
      const [, before = "", mark, index, after = ""] = /^("?)([\uE000\uE001])(\d+)\uE002("?)$/.exec(part) ?? [];
      if (mark === undefined) return escapeLiteral(part);
      const expression = `\${${expressions[Number(index)] ?? ""}}`;
      return mark === AS_VALUE ? expression : `${before}${expression}${after}`;
    })
    .join("");
}

interface Placeholders {
  readonly document: object | undefined;
  readonly expressions: readonly string[];
}

function withPlaceholders(text: string): Placeholders {
  const expressions: string[] = [];
  if (PLACEHOLDERS.test(text)) return { document: undefined, expressions };
  const placeOf = (expression: string) => `${expressions.push(expression) - 1}${END}`;
  let json = "";
  let quoted = false;
  for (const part of splitTemplate(text)) {
    if (part.kind === "expression") {
      json += quoted ? `${IN_STRING}${placeOf(part.text)}` : `"${AS_VALUE}${placeOf(part.text)}"`;
      continue;
    }
    for (const token of part.text.split(TOKEN)) {
      if (token === '"') quoted = !quoted;
      // JavaScript would round the number; as an expression, it has all its digits.
      json += !quoted && isInexact(token) ? `"${AS_VALUE}${placeOf(token)}"` : token;
    }
  }
  const document = parse(json);
  return { document: typeof document === "object" && document !== null ? document : undefined, expressions };
}

/** Not by way of an object: JavaScript's have names such as "5" first. */
function sortedText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedText).join(",")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${quoted(key)}:${sortedText(item)}`);
  return `{${fields.join(",")}}`;
}

/** Half of a surrogate pair is U+FFFD, as in any file, and in Terraform. */
const quoted = (text: string) => JSON.stringify(text.toWellFormed());

/** Quotes, escapes, and what may be numbers. */
const TOKEN = /("|\\.|-?\d[\d.eE+-]*)/s;

/** Whether JavaScript would write the number in another way than Terraform, which rounds none and writes no exponents. */
const isInexact = (token: string) => NUMBER.test(token) && (/e/i.test(token) || String(Number(token)) !== token);
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function withExpressions(value: unknown, expressions: readonly string[]): unknown {
  if (typeof value === "string") return templateOf(value, expressions);
  if (Array.isArray(value)) return value.map((item) => withExpressions(item, expressions));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [templateOf(key, expressions), withExpressions(item, expressions)]),
  );
}

function templateOf(text: string, expressions: readonly string[]): string {
  const parts = text.split(/([\uE000\uE001]\d+\uE002)/).filter((part) => part !== "");
  return parts
    .map((part) => {
      if (!PLACEHOLDERS.test(part)) return escapeLiteral(part);
      const expression = expressions[Number(part.slice(1, -1))] ?? "";
      const isText = parts.length > 1 || part.startsWith(AS_VALUE) || TEXT.test(expression);
      return isText ? `\${${expression}}` : `\${tostring(${expression})}`;
    })
    .join("");
}
