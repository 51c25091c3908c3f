/** JSON values and expressions of Step Functions' query languages. */

export type QueryLanguage = "JSONata" | "JSONPath";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** `{% $states.input.taskId %}` */
export type JsonataExpression = `{%${string}%}`;

/** `$.taskId`, or `$$.Execution.Name` in the context object. */
export type JsonPath = `$${string}`;

/** The fields of a state, or of an object in one. */
export type Fields = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text that is an expression as a whole. */
export const EXPRESSION = /^\{%([^]*)%\}$/;

/** Of data: what it has is a path of something else, an event's for example. */
export const isNameOfPaths = (name: string): boolean => /Paths?(Map)?$/.test(name);

/** Neither an expression nor text that Terraform replaces. */
export function isLiteral(value: unknown): value is string {
  return typeof value === "string" && !/\$\{|\{%/.test(value);
}

/** cdktf's numeric tokens, until Terraform knows the number. */
export const isToken = (value: number): boolean => value < -1e200;

export function recordsOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function inRange(name: string, value: unknown, min: number, max: number, isWhole = true): string[] {
  if (typeof value !== "number" || isToken(value)) return [];
  if ((!isWhole || Number.isInteger(value)) && value >= min && value <= max) return [];
  return [
    `has ${name} ${value}: not ${isWhole ? "a whole number " : ""}from ${min}${max === Infinity ? "" : ` to ${max}`}`,
  ];
}
