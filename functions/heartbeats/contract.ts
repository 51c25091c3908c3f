/** What the heartbeats module and its functions share: environment variables, keys, configuration schemas, outcomes. No SDK, no I/O. */
import * as z from "zod";

import { parameterNameSchema } from "../shared/aws/parameter-name";
import { environmentSchema, positiveInteger, text, type EnvironmentVariables } from "../shared/environment";
import { invalidCronReason } from "../shared/calendar/cron";
import { isTimeZone } from "../shared/calendar/is-time-zone";
import { hasPlainSecret, isPlainSecret, secretInUrl } from "../shared/plain-secret";
import { presentation, shownText } from "../shared/schedule-monitor";
import { forbiddenHost } from "./probe/ssrf-guard";

/** check.ts */
export const checkEnvironment = environmentSchema({
  TELEMETRY_TABLE: text,
  STATE_TABLE: text,
  /** Holds {@link TARGETS_KEY} and {@link MONITORS_KEY}. */
  CONFIGURATION_BUCKET: text,
  /** Retention of telemetry rows (DynamoDB TTL). */
  TELEMETRY_DAYS: positiveInteger,
  INTERVAL_MINUTES: positiveInteger,
  /** The function's memory: its share of a processor follows it. */
  MEMORY_MB: positiveInteger,
  /** Name of the function that publishes the status page. */
  PUBLISH_FUNCTION: text,
  /** ARN of the SNS topic for incident notifications. */
  NOTIFICATION_TOPIC: text,
  /** SSM parameter with the URL of a Slack webhook. */
  SLACK_WEBHOOK_PARAMETER: text.optional(),
  /** A webhook that is notified, and the SSM parameter with its secret. */
  WEBHOOK_URL: text.optional(),
  WEBHOOK_SECRET_PARAMETER: text.optional(),
  /** URL of the status page, for notifications. */
  STATUS_PAGE_URL: text.optional(),
  /** URL of the runbook, for notifications. */
  RUNBOOK_URL: text.optional(),
  /** How long a header secret is cached before it is read from SSM again. Empty: no header has one. */
  SECRET_CACHE_SECONDS: positiveInteger.optional(),
});
export type CheckEnvironment = EnvironmentVariables<typeof checkEnvironment>;

/** publish.ts */
export const publishEnvironment = environmentSchema({
  STATE_TABLE: text,
  CONFIGURATION_BUCKET: text,
  STATUS_PAGE_BUCKET: text,
  /** For the feeds, whose links are absolute. Another URL than https: no links. */
  STATUS_PAGE_URL: text.optional(),
  INTERVAL_MINUTES: positiveInteger,
});
export type PublishEnvironment = EnvironmentVariables<typeof publishEnvironment>;

/** heartbeat-api.ts */
export const heartbeatApiEnvironment = environmentSchema({
  STATE_TABLE: text,
  CONFIGURATION_BUCKET: text,
  /** SSM parameter with the secret of the ping URLs. Empty: there are none. */
  PING_SECRET_PARAMETER: text.optional(),
});
export type HeartbeatApiEnvironment = EnvironmentVariables<typeof heartbeatApiEnvironment>;

/** Object in the configuration bucket: the JSON of {@link Target}[]. */
export const TARGETS_KEY = "targets.json";

/** Object in the configuration bucket: the JSON of {@link MonitorSettings}. */
export const MONITORS_KEY = "monitors.json";

/** Objects in the status page bucket. */
export const STATUS_PAGE_KEY = "index.html";
export const STATUS_JSON_KEY = "status.json";
/** Each target's badge: `badges/<name>.svg`. */
export const BADGES_PREFIX = "badges/";
/** Each incident's page: `incidents/<id>.html`. */
export const INCIDENTS_PREFIX = "incidents/";
/** An id has colons, which some tools do not accept in file names. */
export const incidentKey = (id: string): string => `${INCIDENTS_PREFIX}${id.replaceAll(":", "-")}.html`;
/** RSS 2.0 and JSON Feed 1.1. */
export const RSS_KEY = "feed.xml";
export const JSON_FEED_KEY = "feed.json";

/**
 * The checker's UV_THREADPOOL_SIZE. Node resolves names on a pool of four threads and gives DNS lookups half of it, so two
 * dead names would delay every other check. 128 threads allow 64 concurrent lookups.
 */
export const DNS_LOOKUP_THREADS = 128;

/** Keys of the telemetry table. */
export const TELEMETRY_KEYS = { partition: "utcDate", sort: "utcTime", timeToLive: "ttl" } as const;

/** Keys of the state table. */
export const STATE_KEYS = { partition: "monitor", sort: "item", timeToLive: "ttl" } as const;

/** Lambda allows 1,024 open files; a check holds one socket, or two while it follows a redirect. */
export const MAX_CONCURRENT_CHECKS = 400;

/** Lambda gives one vCPU for this memory, and a share of it for less. */
const VCPU_MB = 1_769;

/** Checks that may begin at the same time on one vCPU. More gave no more checks a second, only higher latencies. */
const STARTING_CHECKS_PER_VCPU = 24;
const MIN_STARTING_CHECKS = 4;

/** A target that does not respond occupies the place of a beginning check for this long. */
export const SLOT_SECONDS = 1;

/** How many checks may begin at the same time. */
export function startingChecks(memoryMb: number): number {
  return Math.max(MIN_STARTING_CHECKS, Math.round((memoryMb / VCPU_MB) * STARTING_CHECKS_PER_VCPU));
}

/** Headers that delimit a request's body. Two views of where it ends are two requests. */
const FRAMING_HEADERS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "trailer"]);

/** Tab, printable ASCII, Latin-1: the characters that HTTP allows in a header value and Node sends. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export const parameterSchema = parameterNameSchema("/almanac/slack/webhook");

/** Routes of the heartbeats API. A ping's key is the job's name and a token: its caller cannot sign. */
export const REPORT_ROUTES = ["/heartbeats/{name}", "/heartbeats/{name}/{event}"] as const;
export const PING_ROUTES = ["/ping/{key}", "/ping/{key}/{event}"] as const;
export const PING_METHODS = ["GET", "POST"] as const;

/** A header value read from SSM at run time, so that the secret is not in Terraform's state. */
const secretSchema = z.strictObject({
  /** The SSM parameter (SecureString) with the complete header value. */
  ssm: parameterSchema,
  /** ARN of the customer managed KMS key that encrypts the parameter. @default the AWS managed key */
  key: z
    .string()
    .regex(/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/, "is not the ARN of a KMS key")
    .optional(),
});

export type HeaderSecret = z.output<typeof secretSchema>;

/** Name of a target or cron monitor. */
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "is not lower case letters, digits and hyphens (63 at most)");

const windowNote = {
  /** What is done. Announces the window: on the status page from a week before, and to notifiers when it begins and ends. @default not announced */
  note: shownText(500).optional(),
};

/** A window, once or weekly, in which a failure is expected: it counts neither as up nor as down and opens no incident. */
const maintenanceSchema = z.union(
  [
    z
      .strictObject({ from: z.iso.datetime({ offset: true }), to: z.iso.datetime({ offset: true }), ...windowNote })
      .refine(({ from, to }) => Date.parse(from) < Date.parse(to), "ends before it starts"),
    z.strictObject({
      weekday: z.enum(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
      /** `"02:30"` */
      from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time of day such as "02:30"'),
      /** At most a week. */
      minutes: z.int().min(1).max(10_080),
      /** IANA time zone of `weekday` and `from`, whose summer time counts: `"Europe/Berlin"`. @default UTC */
      zone: z.string().refine(isTimeZone, "is not an IANA time zone").optional(),
      ...windowNote,
    }),
  ],
  { error: "is neither {from, to} nor {weekday, from, minutes}" },
);

export type MaintenanceWindow = z.output<typeof maintenanceSchema>;

/** In any order; windows may overlap. */
const maintenanceWindowsSchema = z.array(maintenanceSchema).max(50).default([]);

/** `www.example.org` */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/i;

const statusRange = z.union(
  [
    z.int().min(100).max(599),
    z
      .string()
      .regex(/^[1-5]\d\d-[1-5]\d\d$/, { abort: true })
      .refine((range) => Number(range.slice(0, 3)) <= Number(range.slice(4)), "starts after its end"),
  ],
  'is neither a status nor a range such as "200-299"',
);

const targetFields = z.strictObject({
  /** Identifies the target in telemetry, notifications and the status page. Unique within an environment. Lower case, digits, hyphens. */
  name: nameSchema,
  /** An http(s) URL without credentials: they would be in Terraform's state. */
  url: z.url({ protocol: /^https?$/, error: "is not an http(s) URL" }).refine((url) => secretInUrl(url) === undefined, {
    error: 'has a credential, which would be in Terraform\'s state: send it as a header, { ssm: "/parameter/name" }',
    params: { secret: true },
  }),
  /** HTTP method. */
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]).default("GET"),
  /** Request headers, also sent after redirects; credentials to their own origin only. A value is text, or `{ ssm: "/parameter/name" }` for a secret; headers that carry credentials accept secrets only. */
  headers: z
    .record(
      z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "is not a header name"),
      z.union(
        [z.string().regex(HEADER_VALUE, "is not a header value"), secretSchema],
        'is neither a header value nor { ssm: "/parameter/name" }',
      ),
    )
    .superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        if (FRAMING_HEADERS.has(name.toLowerCase())) {
          const message = "delimits the body, which the checker does by itself";
          context.addIssue({ code: "custom", path: [name], message, input: name });
        }
        if (typeof value !== "string" || !isPlainSecret(name, value)) continue;
        const message = 'is a credential, which would be in Terraform\'s state: use { ssm: "/parameter/name" }';
        context.addIssue({ code: "custom", path: [name], message, params: { secret: true }, input: value });
      }
    })
    .default({}),
  /** Request body, sent as UTF-8. */
  body: z
    .string()
    .max(65_536)
    .refine((body) => !hasPlainSecret(body), {
      error: 'has a credential, which would be in Terraform\'s state: send it as a header, { ssm: "/parameter/name" }',
      params: { secret: true },
    })
    .optional(),
  /** From the first DNS lookup to the last byte of the body, redirects included. */
  timeoutSeconds: z.number().min(0.1).max(60).default(10),
  /** Status codes, and ranges of them, that pass. */
  expectedStatus: z.array(statusRange).min(1).default(["200-299"]),
  /** The body must contain this text. */
  bodyContains: z.string().min(1).optional(),
  /** The body must match this JavaScript regular expression (flag "u") within 250 ms. */
  bodyMatches: z.string().min(1).refine(isRegex, "is not a regular expression").optional(),
  /** A longer body fails the check. Applies to the bytes received, and to the decoded bytes where a compressed body is searched. */
  maxBodyBytes: z.int().min(0).max(10_485_760).default(1_048_576),
  /** A slower response degrades the target. */
  maxLatencyMs: z.number().positive().optional(),
  /** Fewer whole days until the certificate expires degrade the target. An expired certificate fails the check. */
  minCertificateDays: z.int().min(0).max(398).default(7),
  /** CA certificates (PEM) to trust instead of the public ones. */
  certificateAuthority: z
    .string()
    .includes("-----BEGIN CERTIFICATE-----", { error: "is not a PEM certificate" })
    .optional(),
  /** True: follow up to five redirects and check the last response. False: check the redirect itself. */
  followRedirects: z.boolean().default(true),
  /**
   * True: the target may be on a private network or on localhost, and may redirect to its own host and into private networks.
   * False: the target and its redirects must be at public addresses, so that neither a target's configuration nor its DNS nor
   * its responses can make the checker call internal services.
   */
  private: z.boolean().default(false),
  /** False: keeps the target off the status page, status.json and badges. @default true */
  public: z.boolean().optional(),
  ...presentation,
  /** Failed checks, among the last `failuresWithin`, that open an incident. */
  failuresBeforeDown: z.int().min(1).max(50).default(3),
  /** Number of latest checks in which failures count, so that a flapping target has an incident. @default the smallest majority: 2 × failuresBeforeDown − 1 */
  failuresWithin: z.int().min(1).max(100).optional(),
  /** Consecutive successful checks that close it. */
  successesBeforeUp: z.int().min(1).max(100).default(2),
  /** Windows in which failures of this target are expected, in addition to those of all monitors. */
  maintenance: maintenanceWindowsSchema,
});

/** One URL to check, and what makes the check pass. */
export const targetSchema = targetFields.superRefine((target, context) => {
  const { url, headers, private: isPrivate, failuresBeforeDown, failuresWithin = failuresBeforeDown } = target;
  if (failuresWithin < failuresBeforeDown) {
    const message = "is less than failuresBeforeDown";
    context.addIssue({ code: "custom", path: ["failuresWithin"], message, input: failuresWithin });
  }
  if (secretsOf([{ headers }]).length > 0 && !isPrivate && url.startsWith("http:")) {
    const message = "would send a secret header in plain text: use https, or private: true";
    context.addIssue({ code: "custom", path: ["url"], message, input: url });
  }
  // An invalid URL already has an issue.
  const forbidden = isPrivate || !URL.canParse(url) ? undefined : forbiddenHost(new URL(url).hostname);
  if (forbidden === undefined) return;
  const message = `is at ${forbidden.kind} (${forbidden.range}), which needs private: true`;
  context.addIssue({ code: "custom", path: ["url"], message, input: url });
});

/** A target with defaults applied, as the functions read it. */
export type Target = z.output<typeof targetSchema>;

/** A target as written in main.ts. */
export type TargetInput = z.input<typeof targetSchema>;

/** The secrets in the targets' headers, one for each parameter. */
export function secretsOf(targets: readonly Pick<Target, "headers">[]): readonly HeaderSecret[] {
  const values = targets.flatMap(({ headers }) => Object.values(headers));
  const secrets = values.filter((value) => typeof value !== "string");
  return [...new Map(secrets.map((secret) => [secret.ssm, secret])).values()];
}

export const targetsSchema = z.array(targetSchema).superRefine(rejectDuplicateNames);

const cronMonitorFields = z.strictObject({
  /** Unique among targets and cron monitors. */
  name: nameSchema,
  /** Expected interval between heartbeats: a minute to 100 days. Either this or `cron`. @default none */
  everySeconds: z.int().min(60).max(8_640_000).optional(),
  /** When the job starts: EventBridge's six fields, `0 2 * * ? *`. @default none */
  cron: z
    .string()
    .superRefine((expression, context) => {
      const message = invalidCronReason(expression);
      if (message !== undefined) context.addIssue({ code: "custom", message, input: expression });
    })
    .optional(),
  /** IANA time zone of `cron`, whose summer time counts: `"Europe/Berlin"`. @default UTC */
  zone: z.string().refine(isTimeZone, "is not an IANA time zone").optional(),
  /** How late a heartbeat may be. The next run of the checker notices. */
  graceSeconds: z.int().min(0).max(8_640_000).default(300),
  /** How long a run may take that reported its start. @default until the next one is due */
  maxRunSeconds: z.int().min(1).max(8_640_000).optional(),
  /** False: keeps the monitor off the status page, status.json and badges. @default true */
  public: z.boolean().optional(),
  ...presentation,
  /** Windows in which a missing heartbeat is expected, in addition to those of all monitors. */
  maintenance: maintenanceWindowsSchema,
});

/** A job that sends a heartbeat after each run (`POST /heartbeats/<name>`). A missing heartbeat is an incident. */
export const cronMonitorSchema = cronMonitorFields
  .refine(({ everySeconds, cron }) => (everySeconds === undefined) !== (cron === undefined), {
    error: "needs either everySeconds or cron",
  })
  .refine(({ cron, zone }) => zone === undefined || cron !== undefined, { path: ["zone"], error: "needs a cron" });

/** A cron monitor with defaults applied. */
export type CronMonitor = z.output<typeof cronMonitorSchema>;

/** The monitor of a schedule, which the schedules' module defines: its keeper reports each run. */
export const scheduleMonitorSchema = z.strictObject({
  /** Unique among all monitors. */
  name: nameSchema,
  public: z.boolean().optional(),
  ...presentation,
});
export type ScheduleMonitor = z.output<typeof scheduleMonitorSchema>;

/** Who the status page is of. */
export const brandSchema = z.strictObject({
  /** Heading and browser title. @default the app and the environment */
  title: shownText(60).optional(),
  /** URL that the title links to: your own site. */
  link: z.url({ protocol: /^https$/, error: "is not an https URL" }).optional(),
  /** Colour of links and of the line at the top, `#2f5d8a`. The page makes it darker or lighter where text would be hard to read. */
  accent: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, "is not a colour such as #2f5d8a")
    .optional(),
});

/** Longer logos would be most of the page. */
export const MAX_LOGO_BYTES = 16_384;

/** Cron monitors, and what applies to all monitors (targets and cron monitors). */
export const monitorSettingsSchema = z.strictObject({
  /** Jobs that send a heartbeat after each run. The first one creates an API. */
  cronMonitors: z.array(cronMonitorSchema).superRefine(rejectDuplicateNames).default([]),
  /** Applies to all monitors. */
  maintenance: maintenanceWindowsSchema,
  /** An open incident is notified again after this time. */
  remindAfterHours: z.number().min(0.25).max(720).default(24),
  /** More notifications in one run are sent as one digest. */
  digestAbove: z.int().min(1).max(100).default(10),
  /**
   * Public host names in different domains, connected to (port 443) when public targets do not respond. If none can be reached either, the
   * checker's own network is at fault: no target is judged, and one notification says so. Empty: never.
   */
  canaries: z
    .array(z.string().regex(HOST_NAME, "is not a host name"))
    .max(5)
    .default(["checkip.amazonaws.com", "www.cloudflare.com"]),
});

/** {@link MONITORS_KEY} */
export const storedSettingsSchema = monitorSettingsSchema.extend({
  schedules: z.array(scheduleMonitorSchema).superRefine(rejectDuplicateNames).default([]),
  brand: brandSchema
    .extend({
      /** A data URI. */
      logo: z
        .string()
        .regex(/^data:image\/(svg\+xml|png);base64,[\w+/=]+$/)
        .max(2 * MAX_LOGO_BYTES)
        .optional(),
    })
    .default({}),
});

export type StoredBrand = z.output<typeof storedSettingsSchema>["brand"];

export type MonitorSettings = z.output<typeof monitorSettingsSchema>;

/**
 * Upper bound, in seconds, for checking all targets when every one times out: the sum shared among
 * {@link MAX_CONCURRENT_CHECKS}, plus the time to begin them, plus the longest (Graham's bound for list scheduling). The function's
 * timeout is at least this long, so that no check is cut short.
 */
export function worstCaseSeconds(targets: readonly Pick<Target, "timeoutSeconds" | "url">[]): number {
  const timeouts = targets.map(({ timeoutSeconds }) => timeoutSeconds);
  const sum = timeouts.reduce((total, timeout) => total + timeout, 0);
  const beginning = (targets.length * SLOT_SECONDS) / startingChecks(processorMegabytes(targets));
  return sum / MAX_CONCURRENT_CHECKS + beginning + Math.max(0, ...timeouts);
}

const MIN_MEMORY_MB = 512;

/** A TLS handshake with its certificate chain costs a few milliseconds of a vCPU, plain HTTP a fraction of that. */
const TLS_TARGETS_PER_VCPU = 250;
const PLAIN_TARGETS_PER_VCPU = 1_000;

/** Memory, in megabytes, for enough processor to check the targets: by their number and kind, one vCPU at most. */
export function processorMegabytes(targets: readonly Pick<Target, "url">[]): number {
  const tls = targets.filter(({ url }) => url.startsWith("https:")).length;
  const vcpus = tls / TLS_TARGETS_PER_VCPU + (targets.length - tls) / PLAIN_TARGETS_PER_VCPU;
  return Math.min(VCPU_MB, Math.max(MIN_MEMORY_MB, Math.ceil((vcpus * VCPU_MB) / 64) * 64));
}

/**
 * Memory, in megabytes, for the bodies held at the same time in the worst case. A body that is searched is held as chunks,
 * joined bytes and text (two bytes a character): four times its size. The module adds it to the function's base memory.
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
  | "forbidden-address" // the target, or a redirect, is at an address that needs private: true
  | "tls" // the handshake failed: expired, unknown authority, wrong name
  | "timeout" // no complete response within timeoutSeconds
  | "reset" // the connection closed before the response was complete
  | "protocol" // the response is not HTTP
  | "redirect" // too many redirects, or an invalid Location
  | "status" // not an expected status
  | "body-too-large"
  | "body-mismatch"
  | "slow" // passed, but later than maxLatencyMs
  | "certificate" // fewer than minCertificateDays left
  | "unmeasured" // the checker's own network or processor was at fault: says nothing about the target
  | "secret" // a header secret could not be read: says nothing about the target
  | "internal"; // the checker failed: says nothing about the target

/** Failures of the checker itself, not of the target. */
export const BROKEN_REASONS: ReadonlySet<FailureReason> = new Set(["secret", "internal", "unmeasured"]);

/** The target responds as expected, but needs attention. Costs no uptime. */
export const DEGRADED_REASONS: ReadonlySet<string> = new Set<FailureReason>(["slow", "certificate"]);

/**
 * The outcome of one check. `status`: of the last response, if there was one. `certificateDaysLeft`: whole days, over https.
 * `certificateFingerprint`: SHA-256 of that certificate.
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
      /** Human-readable: actual and expected. */
      readonly message: string;
      readonly status?: number;
      readonly certificateDaysLeft?: number;
      readonly certificateFingerprint?: string;
    };

function rejectDuplicateNames(items: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  items.forEach(({ name }, index) => {
    if (seen.has(name))
      context.addIssue({ code: "custom", path: [index, "name"], message: "is used twice", input: name });
    seen.add(name);
  });
}

/** Whether the text is a JavaScript regular expression, with the flag "u". */
export function isRegex(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}
