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

/**
 * A parser of environment variables, one schema each. An empty variable counts as missing: that is what a forgotten value looks
 * like once it has gone through Terraform.
 *
 * @throws {@link EnvironmentError} (the parser), naming every variable at fault at once
 */
export function environmentParser<Variables extends Readonly<Record<string, z.ZodType>>>(variables: Variables) {
  const schema = z.object(variables);
  return (source: EnvironmentSource): z.output<typeof schema> => {
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
}
