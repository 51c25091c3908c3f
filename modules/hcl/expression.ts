/** Writes values of Terraform's JSON syntax as expressions of its native syntax, HCL, formatted as `terraform fmt` does. */
import { parseJsonText } from "./json-text";
import { escapeLiteral, escapeTemplate, splitTemplate, type TemplatePart } from "./template";

/** Longer lists, and longer objects of one value, stand on several lines. */
const LIST_COLUMNS = 90;
const OBJECT_COLUMNS = 60;

/** A value as an expression: `"${var.app}-dlq"`, `aws_sqs_queue.dlq.arn`, `{ ... }`. Its first line is not indented. */
export function expressionOf(value: unknown): string {
  if (typeof value === "string") return textOf(splitTemplate(value));
  if (Array.isArray(value)) return listOf(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const lines = assignments(value);
  if (lines === "") return "{}";
  const [only, ...others] = Object.values(value) as readonly unknown[];
  const isLine =
    others.length === 0 && typeof only !== "object" && !lines.includes("\n") && lines.length <= OBJECT_COLUMNS;
  return isLine ? `{ ${lines} }` : `{\n${indented(lines)}\n}`;
}

/** A value that Terraform does not evaluate: a variable's default, a description. Text is literal. */
export function literalOf(value: unknown): string {
  return expressionOf(escapeTemplate(value));
}

/** `jsonencode({ ... })` of a JSON text with templates; the text itself when it is not JSON. */
export function jsonExpressionOf(text: string): string {
  const document = parseJsonText(text);
  return document === undefined ? expressionOf(text) : `jsonencode(${expressionOf(document)})`;
}

/** `name = value` lines. */
export function assignments(values: object): string {
  return aligned(Object.entries(values).map(([name, value]) => ({ name: keyOf(name), text: expressionOf(value) })));
}

/** `name = text` lines: one-line values that stand together have their equals signs aligned. */
export function aligned(entries: readonly { readonly name: string; readonly text: string }[]): string {
  const isLine = (at: number) => entries[at]?.text.includes("\n") === false;
  const lines = entries.map(({ name, text }, index) => {
    if (!isLine(index)) return `${name} = ${text}`;
    let [first, last] = [index, index];
    while (isLine(first - 1)) first--;
    while (isLine(last + 1)) last++;
    const width = Math.max(...entries.slice(first, last + 1).map((entry) => columnsOf(entry.name)));
    return `${name}${" ".repeat(width - columnsOf(name))} = ${text}`;
  });
  return lines.join("\n");
}

/** All lines, two spaces further right. */
export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** As `terraform fmt` counts. */
function columnsOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : [...graphemes.segment(text)].length;
}

function listOf(items: readonly unknown[]): string {
  const texts = items.map(expressionOf);
  const line = `[${texts.join(", ")}]`;
  const isLine = line.length <= LIST_COLUMNS && !line.includes("\n");
  if (isLine && !items.some((item) => typeof item === "object" && item !== null)) return line;
  return `[\n${indented(texts.map((text) => `${text},`).join("\n"))}\n]`;
}

/** Words that begin another expression. */
const RESERVED = new Set(["for", "null", "true", "false"]);

function keyOf(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) && !RESERVED.has(name) ? name : quoted(splitTemplate(name));
}

function textOf(parts: readonly TemplatePart[]): string {
  const [only] = parts;
  if (parts.length === 1 && only?.kind === "expression") return only.text;
  return fitsHeredoc(parts) ? heredoc(parts) : quoted(parts);
}

/** Text of several lines. A heredoc removes the smallest indentation of its lines, and `chomp` all line ends after the last. */
function fitsHeredoc(parts: readonly TemplatePart[]): boolean {
  const text = parts.map((part) => (part.kind === "literal" ? part.text : "$")).join("");
  const lines = text.split("\n");
  return (
    lines.length > 1 &&
    !/(?!\n)\p{Cc}|[\u2028\u2029]|\n$/u.test(text) &&
    !lines.some((line) => /^\s+$/.test(line) || line.trim() === "EOT") &&
    lines.some((line) => /^\S/.test(line))
  );
}

function heredoc(parts: readonly TemplatePart[]): string {
  const text = parts.map((part) => (part.kind === "literal" ? escapeLiteral(part.text) : `\${${part.text}}`)).join("");
  return `chomp(<<-EOT\n${indented(`${text}\nEOT`)}\n)`;
}

function quoted(parts: readonly TemplatePart[]): string {
  const texts = parts.map((part) =>
    part.kind === "literal" ? escapeLiteral(escapeCharacters(part.text)) : `\${${part.text}}`,
  );
  return `"${texts.join("")}"`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };

/** HCL has fewer escapes than JSON. */
function escapeCharacters(text: string): string {
  return text.replace(
    /["\\\p{Cc}\u2028\u2029]/gu,
    (sign) => ESCAPES[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
