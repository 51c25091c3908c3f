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
