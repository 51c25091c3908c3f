import type { EnvironmentInput } from "../../modules/environment";
import { synthesize } from "../support/synthesized";

type Input = Omit<EnvironmentInput, "region">;

const hourly = { entry: "functions/examples/minute-report.ts", schedule: "rate(1 hour)" } as const;
const byName = <Value>(names: readonly string[], valueOf: (name: string) => Value): Readonly<Record<string, Value>> =>
  Object.fromEntries(names.map((name) => [name, valueOf(name)]));

/** The lists of a configuration, made of these names. */
const LISTS: Readonly<Record<string, (names: readonly string[]) => Input>> = {
  "alarm mails": (names) => ({ alarmEmails: names.map((name) => `${name}@example.org`) }),
  targets: (names) => ({
    heartbeats: { targets: names.map((name) => ({ name, url: `https://${name}.example.org/` })) },
  }),
  "cron monitors": (names) => ({
    heartbeats: {
      targets: [{ name: "site", url: "https://example.org/", headers: { "x-key": { ssm: "/almanac/site" } } }],
      cronMonitors: names.map((name) => ({ name, everySeconds: 3_600 })),
      pingSecretParameter: "/almanac/ping",
    },
  }),
  callbacks: (names) => ({ timers: { callbacks: byName(["default", ...names], () => ({})) } }),
  "columns of exports": (names) => ({
    exports: {
      tables: names.map((name) => ({ name, table: "shop", columns: { id: "string" }, bucket: `of-${name}` })),
    },
  }),
  "tables of jobs": (names) => ({ exports: { jobs: { tables: names.map((name) => `shop-${name}`) } } }),
  exports: (names) => ({ exports: { tables: names.map((name) => ({ name, table: `shop-${name}` })) } }),
  pipelines: (names) => ({
    pipelines: byName(names, (name) => ({
      key: "/id",
      slack: `/almanac/${name}`,
      schema: { type: "object" },
      webhook: { verify: "github", secret: `/almanac/${name}` },
    })),
  }),
  schedules: (names) => ({ schedules: byName(names, () => hourly) }),
  workflows: (names) => ({ workflows: byName(names, () => ({})) }),
};

function addresses(input: Input): ReadonlySet<string> {
  const { root, modules } = synthesize(input, "staging");
  const of = (prefix: string, { resource }: { readonly resource: object }) =>
    Object.entries(resource).flatMap(([type, named]) =>
      Object.keys(Object(named) as object).map((name) => `${prefix}${type}.${name}`),
    );
  return new Set([...of("", root), ...Object.entries(modules).flatMap(([name, module]) => of(`${name}.`, module))]);
}

describe("the addresses of what a list makes", () => {
  it.each(Object.entries(LISTS))("follow from its items, whatever their place: %s", (_, listOf) => {
    const [three, two, reversed] = [
      ["first", "middle", "last"],
      ["first", "last"],
      ["last", "first"],
    ].map((names) => addresses(listOf(names)));
    if (three === undefined || two === undefined) throw new Error("three configurations");
    expect(reversed).toEqual(two);
    expect([...two].filter((address) => !three.has(address))).toEqual([]);
    for (const gone of [...three].filter((address) => !two.has(address))) expect(gone).toContain("middle");
  });
});
