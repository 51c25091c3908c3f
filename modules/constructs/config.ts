/** Parses configuration, with one line for each fault. */
import { dirname } from "node:path";
import type * as z from "zod";
import { plainSecrets, SENSITIVE } from "../../functions/shared/plain-secret";
import { nearest } from "./nearest";

/** The folder of these sources. */
const MODULES = dirname(__dirname);

/** An invalid configuration. One line per problem: path, value and reason. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly #problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`main.ts is invalid:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.#problems = problems;
    // The error is in main.ts: the parser's frames do not help. Without any frame, Node would print the line of the `throw`.
    const frames = (this.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) && !line.includes(MODULES));
    this.stack = [`${this.name}: ${this.message}`, ...frames].join("\n");
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
  const parsed = schema.safeParse(input, { reportInput: true, error: unknownFields });
  const problems = parsed.success
    ? changedTexts(parsed.data, root)
    : parsed.error.issues.flatMap((issue) => describe(issue, root));
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new ConfigurationError(problems);
}

/** One line for each unknown field: only here is it known which fields the schema has. */
const unknownFields: z.core.$ZodErrorMap = ({ code, keys, inst }) => {
  if (code !== "unrecognized_keys") return undefined;
  const known =
    inst !== undefined && "shape" in inst._zod.def ? Object.keys(Object(inst._zod.def.shape) as object) : [];
  return keys.map((key) => describeUnknown(nearest(key, known))).join("\n");
};

function describeUnknown(meant: string | undefined): string {
  return `is an unknown field${meant === undefined ? "" : `. Did you mean ${meant}?`}`;
}

/** Terraform normalizes texts and replaces halves of characters, and cdktf loses a field: what is deployed would be another configuration. */
function changedTexts(value: unknown, field: string): readonly string[] {
  if (typeof value === "string" && !value.isWellFormed())
    return [`${field}: has half of a character (a surrogate without its pair), which Terraform would replace`];
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
  const quote = (value: unknown) => quoted(value, issue.path);
  const field = root + issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.message.split("\n").map((message, index) => `${field}.${issue.keys[index]}: ${message}`);
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

/** At most 80 characters, and no secret: the text is in the logs of builds, where its value may come from a variable of the environment. */
function quoted(value: unknown, path: readonly PropertyKey[]): string {
  if (plainSecrets(value, path).length > 0) return SENSITIVE;
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
