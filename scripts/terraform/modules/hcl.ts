/** Converts values of Terraform's JSON syntax to HCL. */

/** A string that is a single reference: `${aws_sns_topic.alarms.arn}`. */
const REFERENCE = /^\$\{([\w.[\]-]+)\}$/;

/**
 * A value as an HCL expression. Both syntaxes escape strings and templates alike.
 *
 * @param indent spaces before its line
 */
export function hcl(value: unknown, indent = 0): string {
  if (typeof value === "string") return REFERENCE.exec(value)?.[1] ?? JSON.stringify(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const lines = Array.isArray(value)
    ? value.map((item) => `${hcl(item, indent + 2)},`)
    : assignments(value as Readonly<Record<string, unknown>>, indent + 2);
  if (lines.length === 0) return `${open}${close}`;
  return [open, ...lines.map((line) => `${" ".repeat(indent + 2)}${line}`), `${" ".repeat(indent)}${close}`].join("\n");
}

/** `name = value`, with one-line values aligned like `terraform fmt`. */
export function assignments(values: Readonly<Record<string, unknown>>, indent: number): string[] {
  const entries = Object.entries(values).map(([name, value]) => [keyOf(name), hcl(value, indent)] as const);
  const width = (index: number): number => {
    const isShort = (at: number) => !(entries[at]?.[1].includes("\n") ?? true);
    if (!isShort(index)) return 0;
    let first = index;
    let last = index;
    while (isShort(first - 1)) first--;
    while (isShort(last + 1)) last++;
    return Math.max(...entries.slice(first, last + 1).map(([name]) => name.length));
  };
  return entries.map(([name, text], index) => `${name.padEnd(width(index))} = ${text}`);
}

function keyOf(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}
