/** Runs hostile inputs through a handler, and tells what must not happen. */
import { lambdaContext } from "../lambda";
import { seeded } from "../random";
import { startFuzzAws } from "./aws";
import { hostile, SECRET } from "./hostile";
import type { FuzzRequest, FuzzTarget } from "./targets";

export interface FuzzResult {
  readonly requests: number;
  readonly answers5xx: number;
  /** Answers with a stack trace, and errors that are bugs: of types, ranges, parsers. */
  readonly stackTraces: number;
  /** Logs, errors and error answers with a {@link SECRET}. */
  readonly echoedSecrets: number;
  /** Warm. */
  readonly slowestSeconds: number;
  /** Warm. Without what other processes take of a busy machine. */
  readonly slowestCpuSeconds: number;
  /** The first of each kind, to repeat it: input and what came of it. */
  readonly examples: readonly string[];
}

const BUGS: ReadonlySet<string> = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError"]);
const STACK = /\n\s+at \S|\.ts:\d+:\d+/;

const schema = {
  type: "object",
  properties: {
    lines: { type: "array", items: { type: "object" }, maxItems: 100, uniqueItems: true },
    customer: { type: "object" },
  },
};
const pipeline = {
  key: "/jobOrderId",
  version: "/revision",
  summary: { Customer: "/customer/name" },
  slack: "/almanac/slack",
  webhook: { verify: "github", secret: "/almanac/webhook" },
};

/** Environment of every handler: names are shared where features have the same. */
function variables(endpoint: string): Readonly<Record<string, string>> {
  const arn = "arn:aws:states:eu-central-1:000000000000";
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "fuzz",
    AWS_SECRET_ACCESS_KEY: "fuzz",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    POWERTOOLS_DEV: "true",
    POWERTOOLS_METRICS_DISABLED: "false",
    POWERTOOLS_SERVICE_NAME: "fuzz",
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "fuzz",
    TIMERS_TABLE: "timers",
    FIRES_QUEUE_URL: `${endpoint}/000000000000/fires`,
    FIRES_DEAD_LETTER_QUEUE_URL: `${endpoint}/000000000000/fires-dlq`,
    CALLBACKS: JSON.stringify({ default: { queueUrl: `${endpoint}/000000000000/fires`, history: true } }),
    SHARDS: "4",
    CLAIMS_TABLE: "claims",
    HISTORY_TABLE: "history",
    HISTORY: "true",
    STATE_MACHINE_ARN: `${arn}:stateMachine:fuzz`,
    EXECUTION_ARN_PREFIX: `${arn}:execution:fuzz`,
    TASKS_TABLE: "tasks",
    KEEP_DAYS: "90",
    GRACE_SECONDS: "60",
    TIME_LIMIT_SECONDS: "600",
    STATE_TABLE: "state",
    CONFIGURATION_BUCKET: "configuration",
    PIPELINE_NAME: "jobOrder",
    PIPELINE_CONFIG: JSON.stringify(pipeline),
    QUEUE_URL: `${endpoint}/000000000000/orders`,
    SCHEMA_BUCKET: "configuration",
    WEBHOOK_SECRET: "/almanac/webhook",
    DELIVERIES_TABLE: "deliveries",
    PIPELINE_TABLE: "orders",
    ARCHIVE_BUCKET: "archive",
    NOTIFICATIONS_TABLE: "notifications",
    SEND_FUNCTION: "send",
    SLACK_PARAMETERS: "jobOrder=/almanac/slack",
    TABLE_NAMES: "{}",
    EXPORTS_BUCKET: "exports",
    BUCKET_NAMES: "{}",
    TELEMETRY_TABLE: "telemetry",
    TELEMETRY_DAYS: "30",
    INTERVAL_MINUTES: "5",
    PUBLISH_FUNCTION: "publish",
    PING_SECRET_PARAMETER: "/almanac/webhook",
    NOTIFICATION_TOPIC: "arn:aws:sns:eu-central-1:000000000000:fuzz",
    STATUS_PAGE_BUCKET: "pages",
    RUNS_TABLE: "runs",
    CONFIGURATION_VERSION: "1",
    FUNCTION_PREFIX: "almanac-fuzz-schedules-run-",
  };
}

const OBJECTS = {
  "/schedules.json": { minuteReport: { schedule: "rate(1 minute)" } },
  "/exports.json": { tables: [], jobs: [] },
  "/targets.json": [],
  "/monitors.json": { cronMonitors: [{ name: "job", everySeconds: 60 }] },
  "/schemas/jobOrder.json": schema,
};

/** Handlers read their environment at their first invocation: one world for all of them. */
export async function withFuzzWorld<Result>(work: () => Promise<Result>): Promise<Result> {
  const aws = await startFuzzAws(OBJECTS);
  const environment = process.env;
  process.env = { ...environment, ...variables(aws.endpoint) };
  try {
    return await work();
  } finally {
    process.env = environment;
    aws.close();
  }
}

/** Everything that is written to the console meanwhile. */
async function captured<Result>(work: (lines: string[]) => Promise<Result>): Promise<Result> {
  const methods = ["log", "debug", "info", "warn", "error"] as const;
  const originals = { ...console };
  const lines: string[] = [];
  for (const method of methods)
    console[method] = (...texts: unknown[]) => {
      lines.push(texts.join(" "));
    };
  try {
    return await work(lines);
  } finally {
    Object.assign(console, originals);
  }
}

export async function fuzz(
  target: FuzzTarget,
  { inputs, seed }: { readonly inputs: number; readonly seed: number },
): Promise<FuzzResult> {
  const { handler } = target;
  const random = seeded(seed);
  const make = hostile({ random });
  const result = {
    requests: 0,
    answers5xx: 0,
    stackTraces: 0,
    echoedSecrets: 0,
    slowestSeconds: 0,
    slowestCpuSeconds: 0,
  };
  const examples = new Map<string, string>();

  await captured(async (lines) => {
    for (let nth = 0; nth < inputs; nth++) {
      const event = eventOf(target, make);
      lines.length = 0;
      const [start, before] = [performance.now(), process.cpuUsage()];
      const { answer, error } = await invoke(handler, event);
      const seconds = (performance.now() - start) / 1_000;
      const { user, system } = process.cpuUsage(before);
      const note = (kind: keyof typeof result, found: boolean) => {
        if (!found) return;
        result[kind] += 1;
        if (!examples.has(kind))
          examples.set(
            kind,
            `${kind}: seed ${seed}, input ${nth}: ${JSON.stringify(event).slice(0, 400)} -> ${(answer + error + lines.join("\n")).slice(0, 600)}`,
          );
      };
      result.requests += 1;
      if (nth > 0) {
        result.slowestSeconds = Math.max(result.slowestSeconds, seconds);
        result.slowestCpuSeconds = Math.max(result.slowestCpuSeconds, (user + system) / 1_000_000);
      }
      const status = Number(/^\{"statusCode":(\d+)/.exec(answer)?.[1] ?? 0);
      note("answers5xx", status >= 500);
      note("stackTraces", STACK.test(answer) || isBug(error) || lines.some((line) => isBug(line)));
      note(
        "echoedSecrets",
        [status >= 400 || status === 0 ? answer : "", error, ...lines].some((text) => text.includes(SECRET)),
      );
    }
  });
  return { ...result, examples: [...examples.values()] };
}

function isBug(text: string): boolean {
  return [...BUGS].some((name) => text.includes(`${name}:`) || text.includes(`"name":"${name}"`));
}

async function invoke(handler: FuzzTarget["handler"], event: unknown): Promise<{ answer: string; error: string }> {
  try {
    return { answer: JSON.stringify((await handler(event, lambdaContext())) ?? null), error: "" };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.stack : "";
    return { answer: "", error: error instanceof Error ? `${error.stack ?? error.message}${cause ?? ""}` : "thrown" };
  }
}

function eventOf({ kind, samples, headersOf }: FuzzTarget, make: ReturnType<typeof hostile>): unknown {
  const sample = make.pick(samples);
  if (kind === "event") return make.broken(sample);
  const { body, ...request } = sample as FuzzRequest;
  const part = make.pick(["body", "body", "text", "pathParameters", "queryStringParameters"] as const);
  const sent = part === "body" ? make.broken(body ?? {}) : body;
  const json = sent === undefined ? undefined : JSON.stringify(sent);
  const text = json !== undefined && part === "text" ? make.brokenText(json) : json;
  const strings = (value: unknown) =>
    Object.fromEntries(
      Object.entries(Object(value) as object).map(([name, each]: [string, unknown]) => [
        name,
        typeof each === "string" ? each : JSON.stringify(each ?? null),
      ]),
    );
  return {
    ...request,
    ...(part === "pathParameters" &&
      request.pathParameters && {
        pathParameters: Object.fromEntries(Object.keys(request.pathParameters).map((name) => [name, make.text()])),
      }),
    ...(part === "queryStringParameters" && {
      queryStringParameters: strings(make.broken(request.queryStringParameters ?? { next: "x" })),
    }),
    body: text ?? null,
    ...(text !== undefined && headersOf !== undefined && { headers: headersOf(text) }),
    isBase64Encoded: false,
    requestContext: { requestId: "fuzz" },
  };
}
