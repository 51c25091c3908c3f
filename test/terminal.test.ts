/** What people see: the output of ten commands, with a terminal and without one, against a stub of AWS. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStubAws, writeStubHome, type StubAws, type StubRequest } from "./support/stub-aws";

const TIMER = {
  id: "tea",
  shardId: "shard0",
  timerCallbackData: { tea: "green" },
  schedule: { every: "15 minutes" },
  enabled: true,
  version: "v1",
  putAt: "2026-11-21T06:55:30.250Z",
  state: "scheduled",
  nextFireAt: "2026-11-21T07:10:30.000Z",
  callback: "default",
  recorded: true,
  lastFiredAt: null,
  lastOutcome: null,
  attempts: null,
  latenessMs: null,
};

const window = { uptime: 0.9971, coverage: 1, p50Ms: 40, p95Ms: 60, p99Ms: 80 };
const windows = { "24h": window, "7d": window, "30d": window, "90d": window };
/** Some seconds old when it is read, however long the commands before have taken. */
function statusDocument() {
  const check = { at: new Date(Date.now() - 10_000).toISOString(), latencyMs: 42, certificateDaysLeft: null };
  return {
    ...{ version: 1, app: "almanac", environment: "local", intervalSeconds: 60, incidents: [] },
    generatedAt: new Date().toISOString(),
    monitors: [
      {
        name: "site",
        state: "up",
        since: null,
        windows,
        days: [],
        hours: [],
        lastCheck: { ...check, ok: true, message: null },
      },
      {
        ...{ name: "shop", state: "down", since: null, windows, days: [], hours: [] },
        lastCheck: { ...check, ok: false, message: "status 500, expected 200-299" },
      },
    ],
  };
}

const LINES = [
  { level: "INFO", message: "dispatched", service: "timers", shard: "shard0", scheduled: 3 },
  {
    level: "ERROR",
    message: "callback failed",
    service: "timers",
    fireId: "tea#1",
    error: { name: "E", message: "no" },
  },
];

const featuresAt = (endpoint: string) => ({
  timers: { api_url: `${endpoint}/live`, dead_letter_queue_url: `${endpoint}/1/timers-dlq` },
  heartbeats: { telemetry_table_name: "telemetry", check_function_name: "check", status_page_bucket_name: "page" },
  pipelines: {
    archive_bucket_name: "archive",
    pipelines: {
      jobOrder: {
        endpoint: `${endpoint}/ingress/jobOrder`,
        ...{
          queue_url: "q",
          dead_letter_queue_url: "d",
          table_name: "t",
          notify_function_name: "n",
          slack_parameter: "",
          webhook_url: "",
        },
      },
    },
  },
});

const LOG_GROUP = {
  ...{ mode: "managed", module: "module.timers", type: "aws_cloudwatch_log_group", name: "dispatch" },
  instances: [{ attributes: { name: "/aws/lambda/almanac-local-timers-dispatch" } }],
};

let aws: StubAws;
let home: string;
beforeAll(async () => {
  aws = await startStubAws(respond);
  home = mkdtempSync(join(tmpdir(), "almanac-terminal-"));
  writeStubHome(home, aws.endpoint, featuresAt("http://127.0.0.1:4566"));
});
afterAll(async () => {
  await aws.close();
  rmSync(home, { recursive: true });
});

function respond({ operation }: StubRequest): object | number {
  const outputs = Object.entries(featuresAt(aws.endpoint)).map(([name, value]) => [name, { value }] as const);
  if (operation === "GET /states/local") return { outputs: Object.fromEntries(outputs), resources: [LOG_GROUP] };
  if (operation === "GET /page/status.json") return statusDocument();
  if (operation === "GET /live/periodic")
    return { timers: [TIMER, { ...TIMER, id: "egg", enabled: false, state: "paused", nextFireAt: null }] };
  if (/^(PUT|GET) \/live\/periodic\/tea$/.test(operation)) return TIMER;
  if (operation === "POST /ingress/jobOrder") return { accepted: true, key: "17" };
  if (operation === "AmazonSQS.ReceiveMessage") return {};
  if (operation === "Logs_20140328.FilterLogEvents")
    return {
      events: LINES.map((line, index) => ({ timestamp: index, message: JSON.stringify(line), eventId: `${index}` })),
    };
  return 404;
}

const inHome = () => ["--home", home];
const COMMANDS: readonly (readonly [name: string, words: () => readonly string[]])[] = [
  ["help", () => ["--help"]],
  ["status", () => ["status", ...inHome()]],
  ["timers ls", () => ["timers", "ls", ...inHome()]],
  ["timers get", () => ["timers", "get", "tea", ...inHome()]],
  ["timers put", () => ["timers", "put", "tea", "--every", "15 minutes", ...inHome()]],
  ["heartbeats status", () => ["heartbeats", "status", ...inHome()]],
  ["heartbeats check", () => ["heartbeats", "check", "http://127.0.0.1:9/", "--private"]],
  ["pipelines send", () => ["pipelines", "send", "jobOrder", "package.json", ...inHome()]],
  ["logs", () => ["logs", ...inHome()]],
  ["redrive", () => ["redrive", "timers", ...inHome()]],
];

/** Both streams as they are shown. What differs each time is replaced. */
async function shown(file: string, args: readonly string[]): Promise<string> {
  const { PATH = "" } = process.env;
  const child = spawn(file, args, { env: { PATH, TERM: "xterm-256color" }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
  const code = await new Promise((ended) => child.on("close", ended));
  const stable = output
    .replaceAll("\r\n", "\n")
    .replaceAll(aws.endpoint, "http://127.0.0.1:4566")
    .replaceAll(home, "HOME")
    .replace(/process \d+/g, "process N")
    .replace(/\d+ s ago/g, "N s ago")
    .replace(/ +[\d.]+ ms/g, " N ms")
    .replace(/(phase) +took/g, "$1 took");
  return `${stable}\n[exit code ${String(code)}]`;
}

const launcher = "scripts/launcher/almanac.mjs";
// A pseudo-terminal needs a program of the platform; Almanac needs Python anyway.
const PTY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
const hasPty = process.platform !== "win32" && spawnSync("python3", ["-c", "import pty"]).status === 0;

describe.each(COMMANDS)("almanac %s", (_, words) => {
  it("is shown without a terminal", async () => {
    const output = await shown(process.execPath, [launcher, ...words()]);
    expect(output).not.toContain("\u001b");
    expect(output).toMatchSnapshot();
  });

  (hasPty ? it : it.skip)("is shown at a terminal", async () => {
    expect(await shown("python3", ["-c", PTY, process.execPath, launcher, ...words()])).toMatchSnapshot();
  });
});
