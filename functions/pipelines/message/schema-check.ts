/** A channel's JSON Schema at the door. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020";

import { SCHEMA_OPTIONS } from "../contract";

/** Where a message violates its schema, and how: `/items/0/price: must be number`; undefined when it does not. */
export type SchemaCheck = (message: unknown) => string | undefined;

/** Numbers are compared as JavaScript has them: 16 digits of them. */
export function schemaCheck(schema: object): SchemaCheck {
  const validate: ValidateFunction = new Ajv2020(SCHEMA_OPTIONS).compile(schema);
  return (message) => {
    if (validate(message)) return undefined;
    return (validate.errors ?? []).map(describe).join("; ");
  };
}

function describe({ instancePath, message = "is not as its schema has it", params }: ErrorObject): string {
  const extra: unknown = params["additionalProperty"] ?? params["unevaluatedProperty"];
  return `${instancePath || "/"}: ${message}${typeof extra === "string" ? ` (${extra})` : ""}`;
}
