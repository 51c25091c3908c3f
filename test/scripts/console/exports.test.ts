/** The console's views of exports, from the tables and objects of a run. */
import { manifestSchema } from "../../../functions/exports/contract";
import { readExport, readExports } from "../../../scripts/console/readers/exports";
import { sourceOf } from "../../../scripts/console/readers/source";
import type { Item } from "../../support/dynamodb-expressions";
import { aws, configure, run, setupExports, STATE, succeeded } from "../../support/exports-system";

setupExports();

const source = () => {
  const exports = { configuration_bucket_name: "configuration", state_table_name: STATE, state_machine_arn: "arn" };
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const settings = { region: "eu-central-1", endpoint: aws.endpoint, credentials };
  const deployed = { name: "local", features: { exports }, aws: settings, state: { outputs: {}, resources: [] } };
  const clock = { now: Date.now, read: () => Promise.resolve(undefined) };
  return sourceOf(() => Promise.resolve(deployed), Date.now, clock);
};

describe("the console's exports", () => {
  it("name the runs whose records cannot be read, and show the others", async () => {
    for (let runs = 0; runs < 2; runs++) expect(await run({ again: true })).toEqual(succeeded("exported"));
    const records = [...aws.rows.keys()].filter((key) => key.includes("run#") && !key.includes("progress")).sort();
    const [first = "", second = ""] = records;
    aws.rows.set(first, { ...aws.rows.get(first), run: { S: "{}" } });
    const unreadable = [`orders ${/run#(.*)$/.exec(first)?.[1] ?? ""}`];
    const shown = [{ id: /run#(.*)$/.exec(second)?.[1], status: "SUCCEEDED" }];
    expect(await readExports(source())).toMatchObject({ unreadable, runs: shown });
    expect(await readExport(source(), { name: "orders" })).toMatchObject({ unreadable, runs: shown });
  });

  it("have the first files of a manifest, and how many there are", async () => {
    expect(await run()).toEqual(succeeded("exported"));
    const key = [...aws.objects.keys()].find((each) => each.endsWith("_manifest.json")) ?? "";
    const written = manifestSchema.parse(JSON.parse((aws.objects.get(key) ?? "").toString()));
    const files = Array.from({ length: 300 }, (_, part) => ({ key: `part-${part}`, items: 1, bytes: 1, sha256: "0" }));
    aws.objects.set(key, Buffer.from(JSON.stringify({ ...written, files })));
    const { manifest } = await readExport(source(), { name: "orders" });
    expect([manifest?.files.length, manifest?.fileCount]).toEqual([200, 300]);
  });

  it("have no count of the table's items where DynamoDB has none yet", async () => {
    aws.tables.set("orders", []);
    expect(await run()).toEqual(succeeded("exported"));
    for (const [key, row] of aws.rows)
      if (key.includes("|run#")) aws.rows.set(key, { ...row, status: { S: "RUNNING" } });
    expect((await readExport(source(), { name: "orders" })).progress).toMatchObject({
      segmentsDone: 2,
      tableItems: null,
    });
  });

  it("name a progress that cannot be read, and show the run", async () => {
    expect(await run({ again: true })).toEqual(succeeded("exported"));
    const change = (part: string, fields: Item) => {
      for (const [key, row] of aws.rows) if (key.includes(part)) aws.rows.set(key, { ...row, ...fields });
    };
    change("|run#", { status: { S: "RUNNING" } });
    change("|segment#", { done: { S: "no" } });
    const shown = { unreadable: ["orders progress"], runs: [{ status: "RUNNING" }] };
    expect(await readExport(source(), { name: "orders" })).toMatchObject(shown);
  });

  it.each([
    ["state", { cursor: { N: "1" } }],
    ["cursor", { cursor: { S: "yesterday" } }],
  ])("name a %s that cannot be read, and show all runs", async (what, fields) => {
    const watermark = { attribute: "n", unit: "milliseconds" } as const;
    const users = { name: "users", table: "orders", mode: "incremental", watermark } as const;
    configure({ name: "orders", table: "orders" }, undefined, [users]);
    expect(await run()).toEqual(succeeded("exported"));
    aws.rows.set("users|state", { pk: { S: "users" }, sk: { S: "state" }, ...fields });
    const unreadable = [`users ${what}`];
    expect(await readExports(source())).toMatchObject({ unreadable, runs: [{ status: "SUCCEEDED" }] });
    expect(await readExport(source(), { name: "users" })).toMatchObject({ unreadable, runs: [] });
  });
});
