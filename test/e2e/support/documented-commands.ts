/** Runs the commands of the documents: as they are written, in a shell, against the deployed system. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { almanacCommandOf, commandsOf, markdownBelow, optionsOf } from "../../support/documents";
import { homeAt } from "../../../scripts/shared/home";
import { readRunning } from "../../../scripts/emulator/run-record";
import { home, npmRun, startArguments, type Ended } from "./system";

/** Commands that another suite runs, because they change what is deployed, or need what that suite makes. */
export const RUN_BY: Readonly<Record<string, string>> = {
  bootstrap: "start",
  // They move the time of every suite.
  "clock advance": "later",
  "clock now": "later",
  "clock speed": "later",
  deploy: "rehearsal",
  destroy: "rehearsal",
  environments: "rehearsal",
  "heartbeats ping-url": "incidents",
  "incidents resolve": "incidents",
  "incidents update": "incidents",
  review: "rehearsal",
  modules: "modules",
  start: "./support/setup",
  stop: "./support/setup",
  "exports restore": "exports",
  "pipelines redrive": "pipelines",
  "workflows approve": "workflows",
  "workflows redrive": "workflows",
  "workflows reject": "workflows",
  redrive: "heartbeats",
};

/** Those that run until Ctrl-C. */
const ENDLESS = /--follow|almanac console/;

/** Those that end with another code than 0 on this machine. */
const FAILS: readonly { readonly when: RegExp; readonly code: number; readonly says: string }[] = [
  { when: /pipelines dead (show|redrive)/, code: 2, says: "has no dead letter" },
  { when: /timers fire .*--again /, code: 2, says: "is not a fire of the timer's current version" },
  { when: /timers move /, code: 2, says: "--to: is not one of" },
  { when: /timers redrive /, code: 1, says: "no dead-letter queue of timers" },
  { when: /schedules show \w+ 2026-/, code: 2, says: "has no run" },
  { when: /--follow/, code: 130, says: "" }, // ended by Ctrl-C
  { when: /almanac open dashboard/, code: 2, says: "is on an emulator, which has no CloudWatch console" },
];

export const DOCUMENTED_COMMANDS = [
  ...new Map(
    markdownBelow(".")
      .filter((file) => !file.startsWith("docs/decisions/"))
      .flatMap(commandsOf)
      .map(({ file, text }) => [text, { file, text, command: almanacCommandOf(text) }]),
  ).values(),
];
const CASES = DOCUMENTED_COMMANDS.flatMap(({ file, text, command }) =>
  command === undefined || command in RUN_BY ? [] : [[text, file, command] as const],
);

/** What people have before they run a command: the files and the names that it mentions. */
const PREPARATIONS: readonly { readonly when: RegExp; readonly commands: readonly (readonly string[])[] }[] = [
  {
    when: /timers (get|rm|fires|fire|pause|resume|preview) tea/,
    commands: [["timers", "put", "tea", "--every", "15 minutes"]],
  },
  { when: /timers (get|fires) .*reminder/, commands: [["timers", "put", "reminder", "--in", "2h"]] },
  {
    when: /timers rm .*reminder-1/,
    commands: [1, 2].map((number) => ["timers", "put", `reminder-${number}`, "--in", "2h"]),
  },
  { when: /schedules (runs|show) minuteReport/, commands: [["schedules", "run", "documented"]] },
  { when: /workflows (show|cancel) order-1/, commands: [["workflows", "start", "order-1"]] },
];

/** Declares a test for each command. @param isOfSuite of an almanac command without its arguments: `timers put` */
export function testDocumentedCommands(isOfSuite: (command: string) => boolean): void {
  let folder: string;
  let endpoint: string | undefined;
  /** Answers 200: https://example.org is not reachable from everywhere. */
  let server: Server;
  let site: string;
  beforeAll(async () => {
    server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
    await once(server, "listening");
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    endpoint = (await readRunning(homeAt(home)))?.endpoint;
    folder = mkdtempSync(join(tmpdir(), "almanac-documents-"));
    mkdirSync(join(folder, ".zfunc"), { recursive: true });
    mkdirSync(join(folder, ".config", "fish", "completions"), { recursive: true });
    const orders = ["17", "18"].map((jobOrderId) => JSON.stringify({ jobOrderId, revision: 2 }));
    writeFileSync(join(folder, "order.json"), orders[0] ?? "");
    writeFileSync(join(folder, "orders.ndjson"), orders.join("\n"));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(CASES.filter(([, , command]) => isOfSuite(command)))("%s", async (text, _, command) => {
    const unique = `order-${Date.now()}`;
    const local = (words: string) => words.replaceAll("order-1", unique);
    for (const { when, commands: before } of PREPARATIONS)
      if (when.test(text))
        for (const [name = "", ...args] of before) {
          const prepared = await npmRun(name, ...args.map(local), ...startArguments);
          expect(prepared).toMatchObject({ code: 0 });
        }
    const { code, output } = await inShell(
      local(onThisMachine(text, command, site)),
      folder,
      ENDLESS.test(text),
      command === "dashboard" ? { ALMANAC_AWS_ENDPOINT: endpoint } : {},
    );
    const fails = FAILS.find(({ when }) => when.test(text));
    expect({ code, output }).toEqual({ code: fails?.code ?? 0, output });
    if (fails !== undefined) expect(output).toContain(fails.says);
    expect(output).not.toMatch(/^ +at .*:\d+:\d+\)?$|fault of Almanac|"code": "/m);
  });
}

/** The command for the tests' system: its environment is local, and its names are those that the system has. */
function onThisMachine(text: string, command: string, site: string): string {
  const help = optionsOf(command) ?? "";
  const [app = "", appFile = "", homeOption = "", folderOfHome = ""] = startArguments;
  const added = [
    ...(help.includes("--app <") && command !== "cost" ? [app, resolve(appFile)] : []),
    ...(help.includes("--home <") ? [homeOption, folderOfHome] : []),
  ];
  const program = [process.execPath, resolve("scripts/launcher/almanac.mjs")].map((word) => `'${word}'`).join(" ");
  return (
    text
      .replace(/(--env|-e|--into) (staging|production|alice)\b/g, "$1 local")
      .replace(/\bdashboard staging\b/, "dashboard local")
      .replace(/\bexports (run|cursor) orders(?= --(since|set|reset))/, "exports $1 documented-items")
      .replace(/\bexports cursor orders\b/, "exports cursor documented-items")
      .replace(/\bexports (run|show|watch) (orders|logs|heartbeats)\b/, "exports $1 documented")
      .replace(/\bminuteReport\b/, "documented")
      // Other suites put thousands of timers that are due soon, and lose fires on purpose.
      .replace(/--due-before \S+/, "--due-before 2026-01-01T00:00:00Z")
      .replace(/\btimers audit\b/, "timers audit --prefix documented-")
      .replace(/\bexports-heartbeats\b/, "exports-documented")
      .replace(/https:\/\/[\w.]*example\.org\S*/, `${site} --private`)
      .replace(
        /\bnpx almanac ([^|>)"]*(?:"[^"]*"[^|>)"]*)*)/,
        (_, call: string) => `${program} ${call.trim()} ${added.join(" ")} `,
      )
  );
}

/** For a command that prints nothing, such as logs without lines. */
const SILENT_SECONDS = 15;

/** @param endless it runs until Ctrl-C, which comes when it has printed something: once, to the program only, as `timeout` passes it on */
function inShell(script: string, folder: string, endless: boolean, variables: NodeJS.Dict<string>): Promise<Ended> {
  const child = spawn(
    "bash",
    ["-c", endless ? `exec timeout --foreground --signal=INT --preserve-status ${SILENT_SECONDS} ${script}` : script],
    {
      cwd: folder,
      env: { ...process.env, HOME: folder, INIT_CWD: folder, ALMANAC_AWS_ENDPOINT: undefined, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (output += part.toString()));
  if (endless) child.stdout.once("data", () => child.kill("SIGINT"));
  return new Promise((settle) => {
    child.on("close", (code, signal) => {
      // As a shell has it.
      settle({ code: signal === null ? code : 128 + constants.signals[signal], output });
    });
  });
}
