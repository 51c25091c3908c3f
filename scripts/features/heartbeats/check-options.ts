/** Builds a target from the options of `almanac heartbeats check`. */
import { readFileSync } from "node:fs";
import { targetSchema, type Target, type TargetInput } from "../../../functions/heartbeats/contract";
import { errorMessage } from "../../../functions/shared/errors";
import { callersPath, UsageError } from "../../shared/terminal/command-line";
import { reasonOf } from "../../shared/terminal/file-errors";

/** As commander parses them: text, unless the option is a switch. */
export interface CheckOptions {
  readonly method?: string;
  readonly header?: readonly string[];
  readonly body?: string;
  readonly timeout?: string;
  readonly expectStatus?: string;
  readonly contains?: string;
  readonly matches?: string;
  readonly maxLatency?: string;
  readonly maxBody?: string;
  readonly certificateDays?: string;
  readonly ca?: string;
  readonly private?: boolean;
  /** False: --no-follow. */
  readonly follow?: boolean;
}

/** The option of each field of a target. */
const OPTIONS: Readonly<Partial<Record<keyof TargetInput, string>>> = {
  url: "<url>",
  method: "--method",
  headers: "--header",
  body: "--body",
  timeoutSeconds: "--timeout",
  expectedStatus: "--expect-status",
  bodyContains: "--contains",
  bodyMatches: "--matches",
  maxLatencyMs: "--max-latency",
  maxBodyBytes: "--max-body",
  minCertificateDays: "--certificate-days",
  certificateAuthority: "--ca",
};

/** @throws {@link UsageError} with a line for each wrong option */
export function targetOf(url: string, options: CheckOptions): Target {
  const given = {
    name: "check",
    url,
    method: options.method?.toUpperCase(),
    headers: options.header && Object.fromEntries(options.header.map(headerOf)),
    body: options.body,
    timeoutSeconds: numberOf(options.timeout),
    expectedStatus: options.expectStatus?.split(",").map((status) => numberOf(status.trim())),
    bodyContains: options.contains,
    bodyMatches: options.matches,
    maxLatencyMs: numberOf(options.maxLatency),
    maxBodyBytes: numberOf(options.maxBody),
    minCertificateDays: numberOf(options.certificateDays),
    certificateAuthority: options.ca === undefined ? undefined : readCertificates(options.ca),
    private: options.private,
    followRedirects: options.follow,
  };
  const parsed = targetSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const [field] = issue.path;
    // zod nests the issue of a header's name one level deeper.
    const { message } = (issue.code === "invalid_key" ? issue.issues[0] : undefined) ?? issue;
    return `${OPTIONS[field as keyof TargetInput] ?? String(field)}: ${message.replace("private: true", "--private")}`;
  });
  throw new UsageError([...new Set(problems)].join("\n"));
}

/** A number, or the text itself for the schema to reject. */
function numberOf(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function headerOf(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  if (colon < 1) throw new UsageError(`--header: "${text}" is not of the form "Name: value"`);
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
}

function readCertificates(file: string): string {
  try {
    return readFileSync(callersPath(file), "utf8");
  } catch (error) {
    throw new UsageError(`--ca: ${file}: ${reasonOf(error) ?? errorMessage(error)}`, { cause: error });
  }
}
