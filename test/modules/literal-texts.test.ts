/** Texts of the configuration are literal: Terraform evaluates none of them. */
import type { EnvironmentInput } from "../../modules/environment";
import { splitTemplate } from "../../modules/hcl/template";
import { synthesize } from "../support/synthesized";

const TEXT = "MARK${path.module}%{ if x }";
const program = {
  entry: "functions/examples/minute-report.ts",
  environment: { SOME_TEXT: TEXT },
  permissions: [{ actions: ["s3:GetObject"], resources: [`arn:aws:s3:::bucket/${TEXT}`] }],
};
const titles = { title: TEXT, description: TEXT, group: TEXT };
const target = { ...titles, name: "site", url: `https://example.org/?q=${TEXT}` };
const pointer = `/${TEXT}`;

/** Each with the number of places that its texts get into, at least. */
const CONFIGURATIONS: Readonly<Record<string, readonly [least: number, input: Omit<EnvironmentInput, "region">]>> = {
  "a target": [
    6,
    {
      heartbeats: {
        targets: [{ ...target, method: "POST", headers: { "X-A": TEXT }, body: TEXT, bodyContains: TEXT }],
      },
    },
  ],
  "a cron monitor": [
    3,
    { heartbeats: { targets: [], cronMonitors: [{ ...titles, name: "backup", everySeconds: 3_600 }] } },
  ],
  "a status page": [1, { heartbeats: { targets: [], statusPage: { title: TEXT } } }],
  "a callback": [2, { timers: { callbacks: { default: { ...program, entry: "functions/timers/log-fire.ts" } } } }],
  "a schedule": [2, { schedules: { report: { ...program, schedule: "rate(1 hour)" } } }],
  "a pipeline": [
    5,
    { pipelines: { order: { key: pointer, version: pointer, groupBy: pointer, summary: { [TEXT]: pointer } } } },
  ],
  "a schema": [
    3,
    { pipelines: { order: { key: "/id", schema: { description: TEXT, properties: { [TEXT]: { const: TEXT } } } } } },
  ],
  scopes: [1, { workflows: { task: { scopes: { "arn:aws:iam::123456789012:role/a": [TEXT] } } } }],
};

/** All texts of a value, names too. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [name, ...textsIn(item)]);
}

it.each(Object.entries(CONFIGURATIONS))("of %s", (_, [least, input]) => {
  const { root, modules } = synthesize(input);
  const texts = textsIn([root, modules]).filter((text) => text.includes("MARK"));
  expect(texts.length).toBeGreaterThanOrEqual(least);
  // A directive would throw.
  const expressions = texts.flatMap(splitTemplate).filter(({ kind }) => kind === "expression");
  expect(expressions.filter(({ text }) => text.startsWith("path.module"))).toEqual([]);
});
