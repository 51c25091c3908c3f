/** Validates messages against a pipeline's JSON Schema. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020";

import { evaluateWithin } from "../../shared/bounded-evaluation";
import { SCHEMA_OPTIONS } from "../contract";

/**
 * Of the 29 s that API Gateway waits. One invocation handles one message, so nothing else waits. Without a processor the function times out,
 * and the sender retries: only a message that is slow by itself is invalid.
 */
const VALIDATION_LIMIT_MS = 500;

/** Returns the violations with their paths, `/items/0/price: must be number`, or undefined for a valid message. */
export type SchemaValidator = (message: unknown) => string | undefined;

/** Compares numbers as JavaScript does, to 16 digits. */
export function schemaValidator(schema: object): SchemaValidator {
  const validate: ValidateFunction = new Ajv2020(SCHEMA_OPTIONS).compile(schema);
  const known = namesIn(schema);
  return (message) => {
    const validation = evaluateWithin(VALIDATION_LIMIT_MS, () => validate(message));
    if (validation.kind === "too slow") return `/: could not be validated within ${VALIDATION_LIMIT_MS} ms`;
    if (validation.kind === "too deep") return "/: is nested too deeply to be validated";
    return validation.result
      ? undefined
      : (validate.errors ?? []).map((error) => describe(error, message, known)).join("; ");
  };
}

/** Names that the schema does not have are the sender's: they are not repeated. Positions in arrays are. */
function describe(
  { instancePath, message: violation = "violates the schema" }: ErrorObject,
  message: unknown,
  known: ReadonlySet<string>,
): string {
  let value = message;
  const [, ...tokens] = instancePath.split("/");
  const path = tokens.map((token) => {
    const isPosition = Array.isArray(value);
    value = valueAt(value, token.replaceAll("~1", "/").replaceAll("~0", "~"));
    return isPosition || known.has(token) ? token : "*";
  });
  return `/${path.join("/")}: ${violation}`;
}

function valueAt(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? new Map<string, unknown>(Object.entries(value)).get(name)
    : undefined;
}

/** The names of properties in a schema, as JSON Pointers have them. */
function namesIn(schema: object): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [keyword, child] of Object.entries(value) as [string, unknown][]) {
      if (keyword === "properties" && typeof child === "object" && child !== null)
        for (const name of Object.keys(child)) names.add(name.replaceAll("~", "~0").replaceAll("/", "~1"));
      visit(child);
    }
  };
  visit(schema);
  return names;
}
