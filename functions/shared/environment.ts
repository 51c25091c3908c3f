import * as z from "zod";

/** A function was deployed with environment variables missing or malformed; the message names each. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

/** Where variables come from: `process.env`, or a test's object. */
export type EnvironmentSource = Readonly<Record<string, string | undefined>>;

/** A variable that holds any text but none. */
export const text = z.string();

/** A variable that holds a whole number of one or more. */
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

/** What a module sets: a string for each variable, also for the optional ones. */
export type EnvironmentVariables<Schema extends { readonly variables: VariableSchemas }> = {
  readonly [Name in keyof Schema["variables"]]: string;
};

/** An empty variable counts as missing: that is what a forgotten value looks like once it has gone through Terraform. */
export function environmentSchema<Variables extends VariableSchemas>(
  variables: Variables,
): EnvironmentSchema<z.output<z.ZodObject<Variables>>, Variables> {
  const schema = z.object(variables);
  const parse = (source: EnvironmentSource) => {
    const given = Object.fromEntries(
      Object.entries(source).filter(([name, value]) => name in variables && value !== ""),
    );
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    const faults = parsed.error.issues.map(({ path: [name], message }) => {
      const value = given[String(name)];
      return value === undefined ? `${String(name)} is missing` : `${String(name)} ${message}: "${value}"`;
    });
    throw new EnvironmentError(`environment variables: ${faults.join("; ")}`);
  };
  return { variables, parse };
}
