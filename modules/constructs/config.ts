/** Parses configuration, with one line for each fault. */
import type { z } from "zod";

/** An invalid configuration. One line per problem: path, value and reason. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly #problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`main.ts is invalid:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.#problems = problems;
    // The error is in main.ts, so the stack trace of the parser does not help.
    this.stack = `${this.name}: ${this.message}`;
  }

  get problems(): readonly string[] {
    return this.#problems;
  }
}

/**
 * Parses a configuration and fills in defaults.
 *
 * @param root first part of every path in an error: `production` in `production.heartbeats.targets[2].url`
 * @throws {@link ConfigurationError}
 */
export function parseConfig<S extends z.ZodType>(schema: S, input: unknown, root: string): z.output<S> {
  const parsed = schema.safeParse(input, { reportInput: true });
  const problems = parsed.success
    ? changedTexts(parsed.data, root)
    : parsed.error.issues.flatMap((issue) => describe(issue, root));
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new ConfigurationError(problems);
}

/** Terraform normalizes texts, and cdktf loses a field: what is deployed would be another configuration. */
function changedTexts(value: unknown, field: string): readonly string[] {
  if (typeof value === "string")
    return value === value.normalize()
      ? []
      : [`${field}: is not in Unicode's normal form NFC, as Terraform would have it`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const path = Array.isArray(value) ? `${field}[${key}]` : `${field}.${key}`;
    return key === "__proto__"
      ? [`${path}: is a name that cannot be deployed`]
      : [...(key === key.normalize() ? [] : changedTexts(key, path)), ...changedTexts(part, path)];
  });
}

function describe(issue: z.core.$ZodIssue, root: string): string[] {
  const field = root + issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => `${field}.${key}: is an unknown field`);
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

/** At most 80 characters. */
function quote(value: unknown): string {
  const text = jsonOf(value) ?? (value === undefined ? "undefined" : `<${typeof value}>`);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Undefined for what is no JSON, such as a bigint and an object that contains itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    const json: unknown = JSON.stringify(value);
    return typeof json === "string" ? json : undefined;
  } catch {
    return undefined;
  }
}
