/**
 * What the heartbeats module and its function agree on: names, shapes and their parsers. No SDK, no I/O.
 */
import * as z from "zod";

import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";
import { forbiddenHost } from "./probe/ssrf-guard";

/** Checks targets on a schedule. */
export const checkEnvironment = environmentSchema({
  /** The telemetry table. */
  HEARTBEATS_TABLE: text,
  /** The table of states, roll-ups and incidents. */
  STATE_TABLE: text,
  /** The bucket that holds the targets, under {@link TARGETS_KEY}, and what goes for all of them, under {@link WATCH_KEY}. */
  TARGETS_BUCKET: text,
  /** How many days a telemetry row is kept, before DynamoDB's TTL removes it. */
  TELEMETRY_DAYS: positiveInteger,
  /** From one round of checks to the next. */
  INTERVAL_MINUTES: positiveInteger,
  /** The function that publishes the status page: each tick is handed on to it. */
  PUBLISH_FUNCTION: text,
  /** The SNS topic that incidents are told to. */
  NOTIFICATION_TOPIC: text,
  /** The SSM parameter that holds the URL of a Slack webhook. */
  SLACK_WEBHOOK_PARAMETER: text.optional(),
  /** How long the secret of a header is used before it is read from SSM again. Empty: no header has one. */
  SECRETS_KEPT_SECONDS: positiveInteger.optional(),
});
export type CheckEnvironment = EnvironmentVariables<typeof checkEnvironment>;

/** Publishes the status page. */
export const publishEnvironment = environmentSchema({
  STATE_TABLE: text,
  TARGETS_BUCKET: text,
  /** The bucket of the status page. */
  STATUS_BUCKET: text,
  INTERVAL_MINUTES: positiveInteger,
});
export type PublishEnvironment = EnvironmentVariables<typeof publishEnvironment>;

/** The API for push heartbeats. */
export const reportInEnvironment = environmentSchema({
  STATE_TABLE: text,
  /** The bucket that holds the jobs, under {@link WATCH_KEY}. */
  WATCH_BUCKET: text,
});
export type ReportInEnvironment = EnvironmentVariables<typeof reportInEnvironment>;

/** The targets' object in the configuration bucket: the JSON of {@link Target}[]. */
export const TARGETS_KEY = "targets.json";

/** The object beside it: the JSON of {@link Watch}. */
export const WATCH_KEY = "watch.json";

/** The status page's objects, in a bucket of their own. */
export const STATUS_PAGE_KEY = "index.html";
export const STATUS_JSON_KEY = "status.json";
/** Each target's badge: `badges/<name>.svg`. */
export const BADGES_PREFIX = "badges/";

/**
 * Threads for name look-ups, which the module gives the function as UV_THREADPOOL_SIZE. Node looks names up on a pool of four
 * threads and lets look-ups have half of it, so two dead names would hold up every other target's check. Of these, 64
 * look-ups run at once.
 */
export const LOOKUP_THREADS = 128;

/** Keys of the telemetry table. */
export const TELEMETRY_KEYS = { partition: "utcDate", sort: "utcTime", timeToLive: "ttl" } as const;

/** Keys of the state table. */
export const STATE_KEYS = { partition: "subject", sort: "item", timeToLive: "ttl" } as const;

/**
 * Checks that run side by side in one invocation. Lambda allows 1,024 open files; a check holds one socket, or two while a
 * redirect is followed.
 */
export const MAX_CONCURRENT_CHECKS = 400;

/** Header names whose values are credentials: targets.json is in Terraform's state, where no secret may be. */
const CREDENTIAL_HEADERS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
  "x-auth-token",
  "private-token",
]);

/** What HTTP lets a value hold: tab, printable ASCII, Latin-1. Node refuses to send anything else. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export const parameterNameSchema = z
  .string()
  .regex(/^(\/[\w.-]+)+$/, 'is not the name of a parameter such as "/almanac/slack/webhook"');

/** A header's value that is read when it is needed, for no secret may be in Terraform's state. */
const secretSchema = z.strictObject({
  /** The SSM parameter (a SecureString) that holds the whole value. */
  ssm: parameterNameSchema,
  /** The KMS key of your own that it is encrypted with, by its ARN. @default the one that AWS manages */
  key: z
    .string()
    .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, "is not the ARN of a KMS key")
    .optional(),
});

export type HeaderSecret = z.output<typeof secretSchema>;

/** What is the name of a target or a job: lower case, digits, hyphens. */
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "is not lower case letters, digits and hyphens (63 at most)");

/** When failures are expected: neither up nor down, and no reason to open an incident. Once, or every week; in UTC. */
const maintenanceSchema = z.union(
  [
    z
      .strictObject({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }) })
      .refine(({ from, to }) => Date.parse(from) < Date.parse(to), "ends before it begins"),
    z.strictObject({
      weekday: z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
      /** `"02:30"` */
      from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time of day such as "02:30"'),
      /** A week at most. */
      minutes: z.int().min(1).max(10_080),
    }),
  ],
  { error: "is neither {from, to} nor {weekday, from, minutes}" },
);

export type MaintenanceWindow = z.output<typeof maintenanceSchema>;

/** When there is maintenance, in any order; windows may overlap. */
export const maintenanceWindowsSchema = z.array(maintenanceSchema).max(50).default([]);

const statusRange = z.union(
  [
    z.int().min(100).max(599),
    z
      .string()
      .regex(/^[1-5]\d\d-[1-5]\d\d$/, { abort: true })
      .refine((range) => Number(range.slice(0, 3)) <= Number(range.slice(4)), "begins after its end"),
  ],
  'is neither a status nor a range such as "200-299"',
);

const targetFields = z.strictObject({
  /** Names the target in telemetry, alarms and pages; unique within an environment. Lower case, digits, hyphens. */
  name: nameSchema,
  /** An http or https address. Credentials in it are refused: they would be in Terraform's state. */
  url: z
    .url({ protocol: /^https?$/, error: "is not an http(s) URL" })
    .refine((url) => !/^https?:\/\/[^/?#]*@/i.test(url), {
      error: "carries credentials, which would be in Terraform's state",
      params: { secret: true },
    }),
  /** HTTP method. */
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).default("GET"),
  /** Request headers. A value is text, or `{ ssm: "/parameter/name" }` for a secret; headers that carry credentials accept secrets only. */
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is not a header name"),
      z.union(
        [z.string().regex(HEADER_VALUE, "is not a header value"), secretSchema],
        'is neither a header value nor { ssm: "/its/parameter" }',
      ),
    )
    .superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        if (typeof value !== "string" || !CREDENTIAL_HEADERS.has(name.toLowerCase())) continue;
        const message = 'carries a credential, which would be in Terraform\'s state: say { ssm: "/its/parameter" }';
        context.addIssue({ code: "custom", path: [name], message, params: { secret: true }, input: value });
      }
    })
    .default({}),
  /** Sent with the request, as UTF-8. */
  body: z.string().max(65_536).optional(),
  /** From the first name look-up to the last byte of the body, redirects included. */
  timeoutSeconds: z.number().min(0.1).max(60).default(10),
  /** Good answers: status codes and ranges of them. */
  expectedStatus: z.array(statusRange).min(1).default(["200-299"]),
  /** The body must contain this text. */
  bodyContains: z.string().min(1).optional(),
  /** The body must match this JavaScript regular expression (flag "u"), found within a quarter of a second. */
  bodyMatches: z.string().min(1).refine(isRegularExpression, "is not a regular expression").optional(),
  /** A longer body is a failed check. Counted as sent, and once more as decoded where a compressed body is searched. */
  maxBodyBytes: z.int().min(0).max(10_485_760).default(1_048_576),
  /** A slower good answer is a failed check. */
  maxLatencyMs: z.number().positive().optional(),
  /** Fewer whole days until the certificate expires is a failed check. 0: only an expired one is. */
  minCertificateDays: z.int().min(0).max(398).default(7),
  /** Certificates (PEM) to trust in place of the public ones, for a private authority. */
  certificateAuthority: z
    .string()
    .includes("-----BEGIN CERTIFICATE-----", { error: "is not a PEM certificate" })
    .optional(),
  /** True: up to five redirects are followed and the last answer counts. False: the redirect itself is the answer. */
  followRedirects: z.boolean().default(true),
  /**
   * True: the target may be in a private network or on this machine, and may redirect to its own host and into private networks.
   * False: it may lead to public addresses only, itself and wherever it redirects, so that nobody who has a say in a target, its
   * name or its answers makes the checker knock at inner doors.
   */
  private: z.boolean().default(false),
  /** Failed checks in a row that open an incident. */
  failuresBeforeDown: z.int().min(1).max(100).default(3),
  /** Good checks in a row that close it. */
  successesBeforeUp: z.int().min(1).max(100).default(2),
  /** When this target's failures are expected. */
  maintenance: maintenanceWindowsSchema,
});

/**
 * One URL to check, and what a good answer is. What people write in main.ts is {@link TargetInput}, where everything with a
 * default may be left out; what the function reads is {@link Target}.
 */
export const targetSchema = targetFields.superRefine(({ url, headers, private: isPrivate }, context) => {
  if (secretsOf([{ headers }]).length > 0 && !isPrivate && url.startsWith("http:")) {
    const message =
      "would be sent a secret for all to read: with one in its headers it must be https, or private: true";
    context.addIssue({ code: "custom", path: ["url"], message, input: url });
  }
  // What is no URL has been refused for that already.
  const forbidden = isPrivate || !URL.canParse(url) ? undefined : forbiddenHost(new URL(url).hostname);
  if (forbidden === undefined) return;
  const message = `leads to ${forbidden.kind} (${forbidden.range}), where only a target with private: true may lead`;
  context.addIssue({ code: "custom", path: ["url"], message, input: url });
});

/** A target as the function reads it, defaults filled in. */
export type Target = z.output<typeof targetSchema>;

/** A target as people write it in main.ts. */
export type TargetInput = z.input<typeof targetSchema>;

/** What secrets the targets' headers name, each parameter once. */
export function secretsOf(targets: readonly Pick<Target, "headers">[]): readonly HeaderSecret[] {
  const values = targets.flatMap(({ headers }) => Object.values(headers));
  const secrets = values.filter((value) => typeof value !== "string");
  return [...new Map(secrets.map((secret) => [secret.ssm, secret])).values()];
}

/** All targets of one environment, names unique. */
export const targetsSchema = z.array(targetSchema).superRefine(rejectSameNames);

/** A job that reports in by itself (`POST /heartbeats/<name>`); silence is what is noticed. */
const jobSchema = z.strictObject({
  /** Unique among targets and cron monitors. */
  name: nameSchema,
  /** How often the job reports, at least. A minute to 100 days. */
  everySeconds: z.int().min(60).max(8_640_000),
  /** How late a report may be. Noticed at the next round of checks. */
  graceSeconds: z.int().min(0).max(8_640_000).default(300),
  /** When this job's silence is expected. */
  maintenance: maintenanceWindowsSchema,
});

/** A job as the functions read it, defaults filled in. */
export type Job = z.output<typeof jobSchema>;

/** All jobs of one environment, names unique. */
export const jobsSchema = z.array(jobSchema).superRefine(rejectSameNames);

/** What is watched besides the targets, and what goes for all of them. */
export const watchSchema = z.strictObject({
  /** Jobs that send a heartbeat after each run. The first one creates an API. */
  jobs: jobsSchema.default([]),
  /** When failures of anything are expected. */
  maintenance: maintenanceWindowsSchema,
  /** An incident is told again whenever it has been open for so long. */
  remindAfterHours: z.number().min(0.25).max(720).default(24),
});

export type Watch = z.output<typeof watchSchema>;

/**
 * The longest that checking all targets can take, in seconds, when every one of them runs into its timeout: work shared among
 * {@link MAX_CONCURRENT_CHECKS}, plus the longest (Graham's bound for list scheduling). The module gives the function at least
 * this long, so no check is ever cut short by another.
 */
export function worstCaseSeconds(targets: readonly Pick<Target, "timeoutSeconds">[]): number {
  const timeouts = targets.map(({ timeoutSeconds }) => timeoutSeconds);
  const sum = timeouts.reduce((total, timeout) => total + timeout, 0);
  return sum / MAX_CONCURRENT_CHECKS + Math.max(0, ...timeouts);
}

/**
 * Memory, in megabytes, for the bodies that are held while they are searched, when the hungriest targets are all checked at one
 * time. A body is held as bytes, joined bytes and text (two bytes a character): four times its size. The module adds it to what
 * the function needs anyway.
 */
export function worstCaseBodyMegabytes(
  targets: readonly Pick<Target, "maxBodyBytes" | "bodyContains" | "bodyMatches">[],
): number {
  const held = targets
    .filter(({ bodyContains, bodyMatches }) => bodyContains !== undefined || bodyMatches !== undefined)
    .map(({ maxBodyBytes }) => maxBodyBytes)
    .sort((a, b) => b - a)
    .slice(0, MAX_CONCURRENT_CHECKS);
  return Math.ceil((4 * held.reduce((total, bytes) => total + bytes, 0)) / 1_048_576);
}

/** Why a check failed. */
export type FailureReason =
  | "dns" // the name does not resolve
  | "refused" // nothing listens, or no route
  | "forbidden-address" // the target, or a redirect of it, leads to an address that only a private target may have
  | "tls" // the handshake failed: expired, unknown authority, wrong name
  | "timeout" // no whole answer within timeoutSeconds
  | "reset" // the connection broke before the answer was whole
  | "protocol" // the answer is not HTTP
  | "redirect" // too many redirects, or one to nowhere
  | "status" // not an expected status
  | "body-too-large"
  | "body-mismatch"
  | "slow" // a good answer, later than maxLatencyMs
  | "certificate" // fewer than minCertificateDays left
  | "secret" // a header's secret could not be read: says nothing about the target
  | "internal"; // the checker itself failed: says nothing about the target

/** Reasons that are the checker's: such a check broke by itself. */
export const BROKEN_REASONS: ReadonlySet<FailureReason> = new Set(["secret", "internal"]);

/**
 * What a check found. `status`: of the last answer, when there was one; `certificateDaysLeft`: whole days, over https, and
 * `certificateFingerprint`, SHA-256, tells which certificate that is of.
 */
export type Outcome =
  | {
      readonly ok: true;
      readonly status: number;
      readonly certificateDaysLeft?: number;
      readonly certificateFingerprint?: string;
    }
  | {
      readonly ok: false;
      readonly reason: FailureReason;
      /** For people: what was seen, and what was expected. */
      readonly message: string;
      readonly status?: number;
      readonly certificateDaysLeft?: number;
      readonly certificateFingerprint?: string;
    };

function rejectSameNames(items: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  items.forEach(({ name }, index) => {
    if (seen.has(name))
      context.addIssue({ code: "custom", path: [index, "name"], message: "is used twice", input: name });
    seen.add(name);
  });
}

function isRegularExpression(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}
