/** Documentation matches the code: links, commands, configuration, alarms, variables and outputs. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { runInNewContext } from "node:vm";
import * as z from "zod";
import { REPOSITORY_URL } from "../modules/constructs/alarm-spec";
import { environmentSchema } from "../modules/environment";
import { CONFIGURATION_FILE, withConfigurationTables } from "../scripts/dev/docs/configuration";
import { markdownBelow } from "./support/documents";
import { synthesize } from "./support/synthesized";

const read = (file: string) => readFileSync(file, "utf8");
const withoutCode = (markdown: string) => markdown.replace(/^( *)```[^]*?^\1```/gm, "").replace(/`[^`\n]*`/g, "");
const documents = markdownBelow(".");

/** The headings of a document, as written. */
function headingsOf(file: string): string[] {
  const markdown = read(file).replace(/^( *)```[^]*?^\1```/gm, "");
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.trim());
}

/** GitHub's anchor of a heading: `two-commands`. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

/** The text below a heading, up to the next heading. */
function section(file: string, heading: string): string {
  const [, text] = new RegExp(`^#+ ${heading}$([^]*?)(?=^#|(?![^]))`, "m").exec(read(file)) ?? [];
  if (text === undefined) throw new Error(`${file} has no heading "${heading}"`);
  return text;
}

/** The rows of the first table below a heading; cells without their backticks. */
function tableBelow(file: string, heading: string): string[][] {
  const [, table] = /^((?:\|.*\n)+)/m.exec(section(file, heading)) ?? [];
  if (table === undefined) throw new Error(`${file} has no table below "${heading}"`);
  const [, , ...rows] = table.trim().split("\n");
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`(.*)`$/, "$1")),
  );
}

const firstColumn = (file: string, heading: string) => tableBelow(file, heading).map(([name]) => name);

describe("links", () => {
  it.each(documents)("of %s lead to files and headings that are there", (file) => {
    const broken = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^(https?|mailto):/.test(link))
      .filter((link) => {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? file : join(dirname(file), path);
        if (!existsSync(target)) return true;
        return anchor !== undefined && !headingsOf(target).map(anchorOf).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it("lead to every decision from their index", () => {
    const decisions = readdirSync("docs/decisions").filter((file) => /^\d{4}-.*\.md$/.test(file));
    const index = read("docs/decisions/README.md");
    expect(decisions.filter((file) => !index.includes(`](${file})`))).toEqual([]);
  });
});

describe("commands", () => {
  const packageSchema = z.object({ scripts: z.record(z.string(), z.string()) });
  const scripts = Object.keys(packageSchema.parse(JSON.parse(read("package.json"))).scripts);
  /** Names of scripts: `npm start`, `npm run build`, `npm run --silent bench`. */
  const npmScripts = (text: string) =>
    [...text.matchAll(/\bnpm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/g)].map(
      ([, name, short]) => name ?? short ?? "",
    );

  // docs/cli.md is generated from the program: a section for each command, with its options.
  const commands = headingsOf("docs/cli.md").flatMap((heading) => /(?<=^almanac ).+/.exec(heading) ?? []);
  const nouns = new Set(commands.flatMap((command) => (command.includes(" ") ? [command.split(" ", 1)[0]] : [])));
  /** What is wrong with a call such as `timers put tea --every "15 minutes"`. */
  function faultsOf(call: string): string[] {
    const [noun = "", verb = ""] = call.split(/\s+/).map((word) => /^[\w-]*/.exec(word)?.[0] ?? "");
    const command = nouns.has(noun) ? `${noun} ${verb}` : noun;
    if (!commands.includes(command)) return /^(--help)?$/.test(noun) || (nouns.has(noun) && verb === "") ? [] : [call];
    const help = section("docs/cli.md", `almanac ${command}`);
    const options = [...call.matchAll(/(?<=\s)--?[a-z][\w-]*/g)].map(([option]) => option);
    return options
      .filter((option) => !new RegExp(`^ +(-\\w, )?${option}\\b`, "m").test(help))
      .map((option) => `${call}: ${option}`);
  }
  const almanacCalls = (text: string) =>
    [...text.matchAll(/\bnpx (?:--no )?almanac\b ?([^`\n|#]*)/g)].map(([, call = ""]) => call.trim());

  it.each(documents)("of npm in %s are scripts of package.json", (file) => {
    expect(npmScripts(read(file)).filter((name) => !scripts.includes(name))).toEqual([]);
  });

  it("of npm run bench exist", () => {
    const benches = [...read("scripts/dev/bench/index.ts").matchAll(/^ {2}"?([\w-]+)"?: \{/gm)].map(([, name]) => name);
    const named = documents.flatMap((file) => [...read(file).matchAll(/npm run bench -- ([\w-]+)/g)]);
    expect(named.map(([, name]) => name).filter((name) => !benches.includes(name))).toEqual([]);
  });

  it.each(documents)("of almanac in %s exist, with their options", (file) => {
    expect(almanacCalls(read(file)).flatMap(faultsOf)).toEqual([]);
  });

  it("with a typo are found", () => {
    expect(["timers ls --env staging", "--help"].flatMap(faultsOf)).toEqual([]);
    expect(["timer put", "timers set", "timers put x --evry 1h"].flatMap(faultsOf)).toHaveLength(3);
  });

  it("of npm are all in README.md", () => {
    expect([...new Set(npmScripts(section("README.md", "Commands")))].sort()).toEqual([...scripts].sort());
  });
});

describe("README.md", () => {
  it("is short", () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(230);
  });
});

describe("configuration", () => {
  it("has current tables (node scripts/launcher/dev.mjs docs)", () => {
    expect(withConfigurationTables(read(CONFIGURATION_FILE))).toBe(read(CONFIGURATION_FILE));
  });

  const features = Object.keys(environmentSchema.shape);
  /** Fields in TypeScript blocks: `timers: { shards: 2 },`, alone or in a `new Environment`. */
  const examples = documents.flatMap((file) =>
    [...read(file).matchAll(/^```ts\n([^]*?)^```/gm)]
      .map(([, block = ""]) => /^new Environment\(app, "\w+", \{([^]*?)^\}\);/m.exec(block)?.[1] ?? block)
      .filter((fields) => [...features, "region"].includes(/^\s*(\w+): /.exec(fields)?.[1] ?? ""))
      .map((fields) => [file, fields] as const),
  );

  it.each(examples)("in %s is valid: %s", (_, block) => {
    const parsed = environmentSchema.safeParse({
      region: "eu-central-1",
      ...(runInNewContext(`({${block}})`) as object),
    });
    // The handlers of examples do not exist.
    const faults = parsed.error?.issues.filter(({ path }) => path.at(-1) !== "entry") ?? [];
    expect(faults).toEqual([]);
  });
});

describe("features", () => {
  const { root, modules } = synthesize({
    alarmEmails: ["ops@example.org"],
    heartbeats: {
      targets: [{ name: "site", url: "https://example.org/" }],
      cronMonitors: [{ name: "backup", everySeconds: 3_600 }],
      slackWebhookParameter: "/almanac/slack",
      pingSecretParameter: "/almanac/ping",
      webhook: { url: "https://hooks.example.org/", secretParameter: "/almanac/webhook" },
      statusPage: { cdn: true },
    },
    timers: {},
    exports: {
      tables: [{ name: "orders", table: "shop-orders" }],
      jobs: { tables: ["app-logs"] },
    },
    workflows: { task: { work: { entry: "test/e2e/support/work.ts" } } },
    pipelines: { jobOrder: { key: "/jobOrderId", slack: "/almanac/slack" } },
    schedules: { minuteReport: { entry: "functions/examples/minute-report.ts", schedule: "rate(1 hour)" } },
  });
  const readmeOf = (feature: string) => `modules/${feature}/README.md`;

  it("are all synthesized", () => {
    const folders = readdirSync("modules", { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(`modules/${entry.name}/index.ts`))
      .map(({ name }) => name);
    expect(Object.keys(modules).sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(modules))("%s has its variables in its README, with their types", (feature, { variable }) => {
    const variables = z.record(z.string(), z.looseObject({ type: z.string() })).parse(variable);
    const rows = tableBelow(readmeOf(feature), "Inputs").map(([name = "", type]) => [name, type] as const);
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(Object.entries(variables).map(([name, { type }]) => [name, type])),
    );
  });

  it.each(Object.entries(modules))("%s has its outputs in its README", (feature, { output }) => {
    expect(firstColumn(readmeOf(feature), "Outputs").sort()).toEqual(Object.keys(output).sort());
  });

  const alarms = [root, ...Object.values(modules)].flatMap((json) =>
    Object.entries(json.resource["aws_cloudwatch_metric_alarm"] ?? {}).map(
      ([name, { alarm_description: text }]) => [name, String(text)] as const,
    ),
  );

  it("raise alarms", () => {
    expect(alarms.length).toBeGreaterThan(3);
  });

  it.each(alarms)("link the alarm %s to a section of a runbook", (_, text) => {
    const [link = ""] = /\S+$/.exec(text) ?? [];
    expect(link).toMatch(`${REPOSITORY_URL}/blob/main/docs/operations/`);
    const [file = "", anchor] = link.replace(`${REPOSITORY_URL}/blob/main/`, "").split("#");
    expect(headingsOf(file).map(anchorOf)).toContain(anchor);
  });

  it.each(alarms)("say of the alarm %s what is wrong and what users notice, within CloudWatch's limit", (_, text) => {
    expect(text).toMatch(/^[A-Z][^\n]+[^.]\.\n\nImpact: [A-Z][^\n]+\.\n\nRunbook: /);
    expect(text.length).toBeLessThanOrEqual(1_024);
  });

  it.each(Object.keys(modules))("%s and its runbook link to each other", (feature) => {
    const runbook = `docs/operations/${feature}.md`;
    expect(read(readmeOf(feature))).toContain(`](../../${runbook})`);
    expect(read(runbook)).toContain(`](../../${readmeOf(feature)})`);
  });

  it("explain every reason for which a check can fail", () => {
    const [, union = ""] = /type FailureReason =([^]*?);/.exec(read("functions/heartbeats/contract.ts")) ?? [];
    const reasons = [...union.matchAll(/^\s*\| "([\w-]+)"/gm)].map(([, reason]) => reason);
    expect(reasons.length).toBeGreaterThan(5);
    expect(firstColumn(readmeOf("heartbeats"), "Why a check fails").sort()).toEqual(reasons.sort());
  });
});
