/** Validates messages against a pipeline's JSON Schema. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020";

import { SCHEMA_OPTIONS } from "../contract";

/** Returns the violations with their paths, `/items/0/price: must be number`, or undefined for a valid message. */
export type SchemaValidator = (message: unknown) => string | undefined;

/** Compares numbers as JavaScript does, to 16 digits. */
export function schemaValidator(schema: object): SchemaValidator {
  const validate: ValidateFunction = new Ajv2020(SCHEMA_OPTIONS).compile(schema);
  return (message) => {
    if (validate(message)) return undefined;
    return (validate.errors ?? []).map(describe).join("; ");
  };
}

function describe({ instancePath, message = "violates the schema", params }: ErrorObject): string {
  const property: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  return `${instancePath || "/"}: ${message}${typeof property === "string" ? ` (${property})` : ""}`;
}
