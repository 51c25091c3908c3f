import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";

import { monitorSettingsSchema } from "../../../functions/heartbeats/contract";
import type { Notifier } from "../../../functions/heartbeats/notifications/deliver";
import { statusFiles } from "../../../functions/heartbeats/status-page/files";
import type { StatusDocument } from "../../../functions/heartbeats/status-page/document";
import { BAD, GOOD, setup, tickAt } from "../../support/heartbeat-rounds";
import { sized } from "../../support/sized";

/** What another program, another version or a hand may have left in place of a value. */
const POISONS: readonly AttributeValue[] = [
  { NULL: true },
  { S: "seven" },
  { S: "" },
  { BOOL: true },
  { L: [] },
  { M: {} },
  { B: new Uint8Array([7]) },
  { SS: ["a"] },
  { N: "0" },
  { N: "-1" },
  { N: "0.5" },
  { N: String(Number.MAX_SAFE_INTEGER) },
  { N: `-${Number.MAX_SAFE_INTEGER}` },
  { N: "8640000000000000" },
  { N: "9007199254740993.5" },
  { N: "1".padEnd(100, "0") },
];

type Attributes = Record<string, AttributeValue>;

/** Copies of an item with one value replaced by a poison, or missing: all of them every night. */
function poisoned(item: Attributes): readonly Attributes[] {
  const copies = pathsOf(item).flatMap((path) =>
    [undefined, ...POISONS].map((poison) => {
      const copy = structuredClone(item);
      let parent: AttributeValue | undefined = { M: copy };
      for (const name of path.slice(0, -1)) parent = parent?.M?.[name] ?? parent?.L?.[Number(name)];
      const last = path.at(-1) ?? "";
      if (parent?.M && poison) parent.M[last] = poison;
      else if (parent?.M) Reflect.deleteProperty(parent.M, last);
      else if (parent?.L) parent.L[Number(last)] = poison ?? { NULL: true };
      return copy;
    }),
  );
  return copies.filter((_, index) => index % sized(7, 1) === 0);
}

const KEYS = ["monitor", "item"];

function pathsOf(map: Readonly<Record<string, AttributeValue>>, before: readonly string[] = []): (readonly string[])[] {
  return Object.entries(map).flatMap(([name, value]) => {
    if (before.length === 0 && KEYS.includes(name)) return [];
    const path = [...before, name];
    const inside = value.M ?? (value.L && Object.fromEntries(value.L.entries()));
    return [path, ...(inside ? pathsOf(inside, path) : [])];
  });
}

/** A version that has written what no schema knows. */
const later = (item: Attributes): Attributes => ({ ...item, version: { N: "99" }, added: { M: { by: { S: "a" } } } });

const dead: Notifier = { name: "slack", send: () => Promise.reject(new Error("no")) };

/** An environment whose monitors each have a copy of the items that one has after some rounds. */
async function environmentOf(kind: RegExp) {
  const cronMonitors = (names: readonly string[]) =>
    monitorSettingsSchema.parse({
      cronMonitors: names.map((name) => ({ name, everySeconds: 900, graceSeconds: 600 })),
    }).cronMonitors;
  const site = { failuresBeforeDown: 1, successesBeforeUp: 1 };
  const template = setup([{ name: "a", ...site }], { cronMonitors: cronMonitors(["a-job"]) }, dead);
  await template.table.recordReport("cron/a-job", { event: "success", durationMs: 7 }, tickAt(0));
  await template.table.recordReport("cron/a-job", { event: "fail", exitCode: 3, log: "disk full" }, tickAt(1));
  for (const [index, outcome] of [BAD, GOOD, BAD].entries()) await template.check(index, [outcome]);
  const items = template.table.items().filter(({ monitor }) => monitor === "a" || monitor === "cron/a-job");
  const all = items.map((item) => marshall(item, { removeUndefinedValues: true }));
  const chosen = all.filter(({ item }) => kind.test(item?.S ?? ""));
  if (chosen.length === 0) throw new Error(`no item is ${String(kind)}`);
  const copies = chosen.flatMap((item) => [later(item), ...poisoned(item)]);
  const named = copies.map((copy, index) => ({ copy, name: `p${index}` }));
  const isJob = ({ copy }: (typeof named)[number]) => copy["monitor"]?.S === "cron/a-job";
  const targets = [
    { name: "good", ...site },
    ...named.filter((each) => !isJob(each)).map(({ name }) => ({ name, ...site })),
  ];
  const jobs = cronMonitors(named.filter(isJob).map(({ name }) => name));
  const env = setup(targets, { cronMonitors: jobs, digestAbove: 100 }, dead);
  for (const each of named) {
    const [from, monitor] = isJob(each) ? ["cron/a-job", `cron/${each.name}`] : ["a", each.name];
    for (const item of all) if (item["monitor"]?.S === from) env.table.preload({ ...item, monitor: { S: monitor } });
    env.table.preload({ ...each.copy, monitor: { S: monitor } });
  }
  return { ...env, targets };
}

/** What files show in place of a value that they do not have, and what is around it. */
function missingValues(document: StatusDocument): readonly string[] {
  return statusFiles(document, {}, "https://status.test/").flatMap(({ key, content }) => {
    const shown = content.replace(/<script>.*?<\/script>/gs, "");
    return [...shown.matchAll(/\b(NaN|undefined|-?Infinity|Invalid)\b/g)].map(
      ({ index }) => `${key}: ${shown.slice(Math.max(0, index - 40), index + 30)}`,
    );
  });
}

describe("a stored item that cannot be read, of whatever kind", () => {
  it.each([/^state$/, /^heartbeat$/, /^hour#/, /^day#/, /^incident#/])(
    "affects neither the checks nor the page of other monitors: %s",
    async (kind) => {
      const { check, checkAndPublish, documents, table, targets, titles } = await environmentOf(kind);
      const outcomes = targets.map(() => BAD);
      // States of such monitors may not be saved: the run says so at its end.
      await check(3, outcomes).catch(() => undefined);
      await checkAndPublish(12, outcomes).catch(() => undefined);
      expect(await table.readOne("good")).toMatchObject({ lastTick: tickAt(12), health: "down" });
      expect(titles()).toContain("[almanac test] DOWN: good");
      const [document] = documents.slice(-1);
      if (document === undefined) throw new Error("no document");
      expect(document.monitors.find(({ name }) => name === "good")?.state).toBe("down");
      expect(missingValues(document)).toEqual([]);
    },
  );

  it("of what people said hides nothing else that they said", async () => {
    const { check, checkAndPublish, documents, table } = setup([{ name: "site", failuresBeforeDown: 1 }]);
    await check(0, [BAD]);
    const incident = `site.${new Date(tickAt(0)).toISOString().replace(".000", "")}`;
    await table.updates.add({ incident, at: tickAt(0) + 1, status: "identified", text: "A disk is full." });
    const item = table.items().find(({ monitor }) => monitor === "*updates");
    if (item === undefined) throw new Error("no update");
    for (const [index, copy] of poisoned(marshall(item)).entries())
      table.preload({ ...copy, item: { S: `${String(item["item"])}${index}` } });
    await checkAndPublish(1, [BAD]);
    const [document] = documents.slice(-1);
    expect(document?.incidents[0]?.timeline).toContainEqual(
      expect.objectContaining({ kind: "identified", text: "A disk is full." }),
    );
    expect(document && missingValues(document)).toEqual([]);
  });
});
