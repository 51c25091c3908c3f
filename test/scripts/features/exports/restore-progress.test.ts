/** What the command restore reads besides files: the manifest of its argument, and the progress of an earlier call. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest, RestoreError } from "../../../../scripts/features/exports/manifest";
import { restoreProgress, type RestoreOf } from "../../../../scripts/features/exports/restore-progress";

describe("a manifest", () => {
  const uri = "s3://files/orders/part-0000";

  it.each([
    ["", `${uri} is not a manifest: it is not JSON (it is empty). Name the _manifest.json of a run.`],
    ['{"secret": ', `${uri} is not a manifest: it is not JSON (position 11: it ends too early).`],
    ['{"id":"secret"}', /part-0000 is not a manifest: version: /],
    ["[]", /part-0000 is not a manifest: /],
  ])("that is none is refused, by its place and fault: %s", (text, message) => {
    const parse = () => parseManifest(uri, text);
    expect(parse).toThrow(RestoreError);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow("secret");
  });

  const file = { key: "part-0", items: 2, bytes: 9, md5: "1B2M2Y8AsgTpgAmY7PhCfg==" };
  const manifest = (more: object) =>
    JSON.stringify({
      ...{ version: 1, export: "orders", table: "orders", region: "eu-central-1", bucket: "files" },
      ...{ run: "2026-11-21T17:00:00.000Z", day: "2026-11-21", mode: "full", format: "ndjson", compression: "gzip" },
      ...{ startedAt: "2026-11-21T17:00:00.000Z", finishedAt: "2026-11-21T17:01:00.000Z" },
      ...{ items: 2, bytes: 9, files: [file], ...more },
    });

  it("that lacks a file, has one twice, or lacks the checksum of one, is refused: less would be verified than was exported", () => {
    expect(parseManifest(uri, manifest({})).files).toEqual([file]);
    for (const [more, fault] of [
      [{ items: 4, files: [file, file] }, "has a file twice"],
      [{ items: 4 }, "is not the sum of its files' items"],
      [{ files: [{ ...file, md5: undefined }] }, "has a file without a checksum"],
    ] as const) {
      const parse = () => parseManifest(uri, manifest(more));
      expect(parse).toThrow(RestoreError);
      expect(parse).toThrow(fault);
    }
  });
});

describe("the progress of a restore", () => {
  const of: RestoreOf = {
    environment: "staging",
    uri: "s3://files/orders/_manifest.json",
    run: "2026-11-21T17:00:00.000Z",
    table: { TableName: "copy", TableArn: "arn:aws:dynamodb:eu-central-1:123456789012:table/copy", TableId: "one" },
  };
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "almanac-restore-"));
  });
  afterEach(() => rm(home, { recursive: true }));

  it("is that of one run and one table: a table that was created again has none of the items", async () => {
    const progress = restoreProgress(home, of);
    expect(await progress.read()).toBeUndefined();
    await progress.save({ file: 2, items: 400 });
    expect(await restoreProgress(home, of).read()).toEqual({ file: 2, items: 400 });
    for (const other of [
      { ...of, table: { ...of.table, TableId: "two" } },
      { ...of, table: { ...of.table, TableArn: "arn:aws:dynamodb:eu-central-1:210987654321:table/copy" } },
      { ...of, run: "2026-11-22T17:00:00.000Z" },
      { ...of, environment: "live" },
    ])
      expect(await restoreProgress(home, other).read()).toBeUndefined();
    await progress.remove();
    expect(await progress.read()).toBeUndefined();
  });

  it.each(["", "{", '{"file":-1,"items":0}', "null"])(
    "that is damaged names its file and the way out: %s",
    async (text) => {
      const progress = restoreProgress(home, of);
      await progress.save({ file: 0, items: 0 });
      const [name = ""] = await readdir(join(home, "restore"));
      await writeFile(join(home, "restore", name), text);
      await expect(progress.read()).rejects.toThrow(RestoreError);
      await expect(progress.read()).rejects.toThrow(/restore\/[0-9a-f]{16}\.json .* --from-start/);
    },
  );
});
