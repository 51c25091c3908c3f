/** JSON, and what the query languages of Step Functions put into it. */

/** How states reach into their input: by JSONata expressions, or by JSONPath. */
export type QueryLanguage = "JSONata" | "JSONPath";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** `{% $states.input.taskId %}` */
export type JsonataExpression = `{%${string}%}`;

/** `$.taskId`, or `$$.Execution.Name` of the context. */
export type JsonPath = `$${string}`;
