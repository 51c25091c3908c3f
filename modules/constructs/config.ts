import type { z } from "zod";

/** A configuration that can't be deployed. One line a problem: where it is, the value, and what is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly #problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`main.ts can't be deployed:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.#problems = problems;
    // What is wrong is in main.ts: where in here it was noticed would only push that off the screen.
    this.stack = `${this.name}: ${this.message}`;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }
}

/**
 * Parses what people wrote, and fills in defaults.
 *
 * @param root begins every path in an error: `production` in `production.heartbeats.targets[2].url`
 * @throws ConfigurationError naming each field and its value
 */
export function parseConfig<S extends z.ZodType>(schema: S, input: unknown, root: string): z.output<S> {
  const parsed = schema.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(parsed.error.issues.flatMap((issue) => describe(issue, root)));
}

function describe(issue: z.core.$ZodIssue, root: string): string[] {
  const field = root + issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => `${field}.${key}: is no field of it`);
    case "invalid_type":
      return [
        issue.input === undefined
          ? `${field}: is missing`
          : `${field}: ${quote(issue.input)} is not of type ${issue.expected}`,
      ];
    case "custom":
      if (issue.params?.["secret"] === true) return [`${field}: ${issue.message}`];
      return [`${field}: ${quote(issue.input)} ${issue.message}`];
    case "invalid_key":
      return issue.issues.map(({ message }) => `${field}: ${message}`);
    default:
      return [`${field}: ${quote(issue.input)}${/^[A-Z]/.test(issue.message) ? ":" : ""} ${issue.message}`];
  }
}

/** At most a line of the value. */
function quote(value: unknown): string {
  const text = value === undefined ? "undefined" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
