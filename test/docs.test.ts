/** Holds what the documentation says to what the code says. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import * as z from "zod";
import { monitorSettingsSchema, targetSchema } from "../functions/heartbeats/contract";
import { pipelineSchema } from "../functions/pipelines/contract";
import { environmentSchema } from "../modules/environment";
import { watermarkSchema } from "../functions/exports/contract";
import { exportFieldsSchema, exportsSchema, jobsSchema as exportJobsSchema } from "../modules/exports/schema";
import { heartbeatsSchema } from "../modules/heartbeats";
import { statusPageSchema } from "../modules/heartbeats/status-page";
import { timersCallbackSchema, timersSchema } from "../modules/timers";
import { workflowSchema, workSchema } from "../modules/workflows";
import { REPOSITORY_URL } from "../modules/constructs/alarm-spec";
import { CONTENTS } from "../scripts/almanac";
import { synthesize } from "./support/synthesized";

const NOT_OURS = new Set(["node_modules", ".git", ".almanac", "cdktf.out", "coverage", "dist"]);

function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = normalize(join(folder, entry.name)).replaceAll("\\", "/");
      if (entry.isDirectory()) return markdownBelow(path);
      return path.endsWith(".md") ? [path] : [];
    });
}

const read = (file: string) => readFileSync(file, "utf8");
const withoutCode = (markdown: string) => markdown.replace(/^( *)```[^]*?^\1```/gm, "").replace(/`[^`\n]*`/g, "");
const documents = markdownBelow(".");

/** A document's headings as they are written. */
function headingsOf(file: string): string[] {
  const markdown = read(file).replace(/^( *)```[^]*?^\1```/gm, "");
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.trim());
}

/** What GitHub makes of a heading: `#two-commands`. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");

/** The rows of the first table below a heading; cells without their backticks. */
function tableBelow(file: string, heading: string): string[][] {
  const [, section] = new RegExp(`^#+ ${heading}$([^]*?)(?=^#|(?![^]))`, "m").exec(read(file)) ?? [];
  const [, table] = /^((?:\|.*\n)+)/m.exec(section ?? "") ?? [];
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
  /** `npm start`, `npm run build`, `npm run --silent bench`: the scripts' names. */
  const mentioned = (text: string) =>
    [...text.matchAll(/\bnpm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/g)].map(
      ([, name, short]) => name ?? short ?? "",
    );

  /** `npx almanac timers put tea`: the words of the command, `timers put`. */
  const calls = (text: string) =>
    [...text.matchAll(/\bnpx (?:--no )?almanac ([a-z]+)(?: ([a-z]+))?/g)].map(([, noun = "", verb]) => {
      const item = entries[noun];
      return item !== undefined && "verbs" in item && verb !== undefined ? `${noun} ${verb}` : noun;
    });
  const entries = Object.assign({}, ...Object.values(CONTENTS)) as (typeof CONTENTS)[string];
  const known = Object.entries(entries).flatMap(([name, item]) => [
    name,
    ...("verbs" in item ? Object.keys(item.verbs).map((verb) => `${name} ${verb}`) : []),
  ]);

  it.each(documents)("that %s mentions are there", (file) => {
    expect(mentioned(read(file)).filter((name) => !scripts.includes(name))).toEqual([]);
    expect(calls(read(file)).filter((call) => !known.includes(call))).toEqual([]);
  });

  it("are all in README.md's table", () => {
    const listed = tableBelow("README.md", "Commands").flatMap(([command = ""]) => mentioned(command));
    expect([...new Set(listed)].sort()).toEqual([...scripts].sort());
  });
});

describe("configuration tables", () => {
  it.each([
    ["An environment", environmentSchema],
    ["Heartbeats", heartbeatsSchema],
    ["A target", targetSchema],
    ["A cron monitor", monitorSettingsSchema.shape.cronMonitors.unwrap().element],
    ["The status page", statusPageSchema],
    ["Timers", timersSchema],
    ["A timers callback", timersCallbackSchema],
    ["Exports", exportsSchema],
    ["An export", exportFieldsSchema],
    ["A watermark", watermarkSchema],
    ["Jobs of exports", exportJobsSchema],
    ["A workflow", workflowSchema],
    ["The work", workSchema],
    ["A pipeline", pipelineSchema],
  ])("have every field: %s", (heading, schema) => {
    expect(firstColumn("README.md", heading).sort()).toEqual(Object.keys(schema.shape).sort());
  });

  it("tell the defaults that a target has", () => {
    const defaults: Record<string, unknown> = targetSchema.parse({ name: "site", url: "https://example.org/" });
    const told = tableBelow("README.md", "A target").filter(([name]) => name !== "name" && name !== "url");
    for (const [name = "", shown] of told) {
      // One that is not set by itself is told in words.
      if (defaults[name] !== undefined) expect([name, shown]).toEqual([name, JSON.stringify(defaults[name])]);
    }
  });
});

describe("features", () => {
  const { root, modules } = synthesize({
    alarmEmails: ["ops@example.org"],
    heartbeats: {
      targets: [{ name: "site", url: "https://example.org/" }],
      cronMonitors: [{ name: "backup", everySeconds: 3_600 }],
      slackWebhookParameter: "/almanac/slack",
      statusPage: { cdn: true },
    },
    timers: {},
    exports: {
      tables: [{ name: "orders", table: "shop-orders" }],
      jobs: { tables: ["app-logs"] },
    },
    workflows: { task: { work: { entry: "test/e2e/support/work.ts" } } },
    pipelines: { jobOrder: { key: "/jobOrderId", slack: "/almanac/slack" } },
  });
  const readmeOf = (feature: string) => `modules/${feature}/README.md`;

  it("are all of those that there are", () => {
    const folders = readdirSync("modules", { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(`modules/${entry.name}/index.ts`))
      .map(({ name }) => name);
    expect(Object.keys(modules).sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(modules))("%s has its variables in its README, with their types", (feature, { variable }) => {
    const variables = z.record(z.string(), z.looseObject({ type: z.string() })).parse(variable);
    const told = tableBelow(readmeOf(feature), "Inputs").map(([name = "", type]) => [name, type] as const);
    expect(Object.fromEntries(told)).toEqual(
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
