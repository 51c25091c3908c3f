/** JSON documents in Terraform strings: policies and state machines. */
import { escapeLiteral, splitTemplate } from "./template";

/** Stand for an expression while the document is parsed: inside a string, and in place of a value. Private use, so no text has them. */
const [IN_STRING, AS_VALUE, END] = ["\uE000", "\uE001", "\uE002"];
const PLACEHOLDERS = /[\uE000-\uE002]/;

/** Attributes of resources and data sources that are strings. Others are converted: `"${var.count}"` in JSON is a string. */
const TEXT = /^(?:data\.)?aws_\w+\.\w+\.(?:\w*arn|id|account_id|name|partition|function_name|bucket|url|key|region)$/;

/**
 * The document of a JSON text with expressions: its strings and keys are templates again, for `jsonencode(...)` in HCL.
 *
 * @returns undefined for text that is not a JSON object
 */
export function parseJsonText(text: string): object | undefined {
  if (PLACEHOLDERS.test(text)) return undefined;
  const expressions: string[] = [];
  let json = "";
  let quoted = false;
  for (const part of splitTemplate(text)) {
    if (part.kind === "literal") {
      json += part.text;
      quoted = endsInString(part.text, quoted);
    } else {
      const place = `${expressions.push(part.text) - 1}${END}`;
      json += quoted ? `${IN_STRING}${place}` : `"${AS_VALUE}${place}"`;
    }
  }
  const parsed = parse(json);
  return typeof parsed === "object" && parsed !== null
    ? (withExpressions(parsed, expressions) as object)
    : undefined;
}

/** Whether text that begins in or outside of a JSON string ends in one. */
function endsInString(text: string, quoted: boolean): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (quoted && text[at] === "\\") at += 1;
    else if (text[at] === '"') quoted = !quoted;
  }
  return quoted;
}

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
      const isText = parts.length > 1 || part.startsWith(AS_VALUE ?? "") || TEXT.test(expression);
      return isText ? `\${${expression}}` : `\${tostring(${expression})}`;
    })
    .join("");
}
