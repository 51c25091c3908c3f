/** Environment variables of a function: declared once, as a schema in a contract. No I/O. */
import * as z from "zod";

/** Environment variables are missing or malformed. The message names each. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

/** `process.env`, or an object in tests. */
export type EnvironmentSource = Readonly<Record<string, string | undefined>>;

/** A variable with any text but an empty one. */
export const text = z.string();

/** A variable with a whole number of 1 or more. */
export const positiveInteger = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "is not a positive whole number")
  .transform(Number);

type VariableSchemas = Readonly<Record<string, z.ZodType<unknown, string | undefined>>>;

/** A function's environment variables, each declared once: the handler parses with it, the module gets its type from it. */
export interface EnvironmentSchema<Environment, Variables extends VariableSchemas = VariableSchemas> {
  readonly variables: Variables;
  /** @throws {@link EnvironmentError} naming every variable at fault */
  readonly parse: (source: EnvironmentSource) => Environment;
}

/** The variables that a module sets: a string for each, also for optional ones. */
export type EnvironmentVariables<Schema extends { readonly variables: VariableSchemas }> = {
  readonly [Name in keyof Schema["variables"]]: string;
};

/** The variables of a schema, as a function reads them. */
export type ParsedEnvironment<Schema> = Schema extends EnvironmentSchema<infer Environment> ? Environment : never;

/** An empty variable counts as missing, because Terraform passes missing values as empty ones. */
export function environmentSchema<Variables extends VariableSchemas>(
  variables: Variables,
): EnvironmentSchema<z.output<z.ZodObject<Variables>>, Variables> {
  const schema = z.object(variables);
  const parse = (source: EnvironmentSource) => {
    const values = Object.fromEntries(
      Object.entries(source).filter(([name, value]) => name in variables && value !== ""),
    );
    const parsed = schema.safeParse(values);
    if (parsed.success) return parsed.data;
    const faults = parsed.error.issues.map(({ path: [name], message }) => {
      const value = values[String(name)];
      return `${String(name)} ${value === undefined ? "is missing" : message}`;
    });
    throw new EnvironmentError(`environment variables: ${faults.join("; ")}`);
  };
  return { variables, parse };
}
