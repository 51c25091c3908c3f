/** Publishing while others do: workers of older runs, and deployments that share a bucket and a prefix by mistake. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

import { runSchema, type Run } from "../../../../functions/exports/contract";
import { fileKey, symlinkKey } from "../../../../functions/exports/run/object-keys";
import { objectStore, ownerOf } from "../../../../functions/exports/storage/object-store";
import { abortSupersededUploads, publishRun, reserveKey } from "../../../../functions/exports/storage/run-files";
import { RunSupersededError } from "../../../../functions/exports/storage/state-table";
import { errorName } from "../../../../functions/shared/errors";
import { MemoryS3, type S3Request } from "../../../support/export-simulation/memory-s3";

const FOLDER = "orders/dt=2026-11-21/";
const STARTED_AT = Date.parse("2026-11-21T17:00:02.120Z");

const runOf = (deployment: string, config: object = {}): Run =>
  runSchema.parse({
    deployment: `123456789012/eu-central-1/${deployment}-exports-run`,
    exportId: "orders",
    id: new Date(STARTED_AT).toISOString(),
    day: "2026-11-21",
    trigger: "schedule",
    startedAt: STARTED_AT,
    keyTime: STARTED_AT,
    config: { name: "orders", table: "orders", compression: "none", ...config },
    application: "",
    account: "123456789012",
    region: "eu-central-1",
    bucket: "shared",
    keepsCursor: false,
    segments: 1,
    attempt: 1,
  });

/** @param before called before each request, with its number */
function clientOf(memory: MemoryS3, before: (number: number) => Promise<void> = () => Promise.resolve()): S3Client {
  let requests = 0;
  const send = async ({
    constructor,
    input,
  }: {
    readonly constructor: { readonly name: string };
    input: S3Request;
  }) => {
    await before(++requests);
    return memory.execute(constructor.name.replace(/Command\d*$/, "").replace(/^_/, ""), input);
  };
  return Object.assign(Object.create(new S3Client({ region: "eu-central-1" })) as S3Client, { send });
}

/**
 * Uploads the run's one part, and returns its publication.
 *
 * @param isActive false: another run has been claimed since
 */
async function uploaded(run: Run, s3: S3Client, isActive = () => true): Promise<() => Promise<void>> {
  const key = fileKey(run, 0, 0);
  const body = Buffer.from(run.deployment);
  const store = objectStore(s3, { bucket: run.bucket, kmsKeyArn: undefined, owner: ownerOf(run) });
  const id = await store.createUpload(key);
  const etags = [await store.uploadChunk(key, id, 1, body)];
  let upload: { readonly id: string; readonly etags: readonly string[] } | undefined = { id, etags };
  const file = { key, items: 1, bytes: body.length, sha256: "", segment: 0, number: 0 };
  const assertActive = () => (isActive() ? Promise.resolve() : Promise.reject(new RunSupersededError(run)));
  const state = {
    assertActive,
    markPublished: assertActive,
    markUploadCompleted: () => {
      upload = undefined;
      return Promise.resolve();
    },
    parts: () => Promise.resolve([{ ...file, upload }]),
    runProgress: () => Promise.resolve({ items: 1, bytes: 1, segments: 1, segmentsDone: 1 }),
  };
  return () => publishRun(run, { state, s3, now: () => STARTED_AT });
}

/** As the state machine does: other errors than permanent ones are retried. */
async function retried(publish: () => Promise<void>): Promise<string> {
  for (let attempt = 0; attempt < 4; attempt++)
    try {
      await publish();
      return "published";
    } catch (error) {
      if (errorName(error) !== "PreconditionFailed") return errorName(error);
    }
  return "retries exhausted";
}

const [staging, live] = [runOf("shop-staging"), runOf("shop-live")];

describe("two deployments with one bucket and prefix", () => {
  it("have other keys for parts and lists of files, even in one millisecond, and other owners of objects", () => {
    for (const name of [(run: Run) => fileKey(run, 0, 0), symlinkKey, ownerOf])
      expect(name(staging)).not.toBe(name(live));
  });

  it("publish one run in a folder, whole, at whichever request the other stalls; the other says why not", async () => {
    let requests = Infinity;
    for (let stalled = 1; stalled <= requests; stalled++) {
      const memory = new MemoryS3();
      const outcomes: Record<string, string> = {};
      let number = 0;
      const publishLive = await uploaded(live, clientOf(memory));
      const s3 = clientOf(memory, async () => {
        if (++number === stalled) outcomes[live.deployment] = await retried(publishLive);
      });
      const publishStaging = await uploaded(staging, s3);
      outcomes[staging.deployment] = await retried(publishStaging);
      outcomes[live.deployment] ??= await retried(publishLive);
      if (number < stalled) requests = stalled;

      expect(Object.values(outcomes).sort()).toEqual(["FolderTakenError", "published"]);
      const [winner = ""] = Object.keys(outcomes).filter((deployment) => outcomes[deployment] === "published");
      const run = [staging, live].find(({ deployment }) => deployment === winner) ?? staging;
      expect(JSON.parse(memory.objects.get(`${FOLDER}_manifest.json`)?.body.toString() ?? "")).toMatchObject({
        deployment: winner,
        files: [{ key: fileKey(run, 0, 0) }],
      });
      expect(memory.objects.get(fileKey(run, 0, 0))?.body.toString()).toBe(winner);
      expect(memory.objects.get(`${FOLDER}_SUCCESS`)?.body.toString()).toContain(winner);
      expect(memory.objects.get(symlinkKey(run))?.body.toString()).toBe(`s3://shared/${fileKey(run, 0, 0)}\n`);
    }
    expect(requests).toBeGreaterThan(10);
  });

  it("know it before the table is read, and the message names the other one", async () => {
    const s3 = clientOf(new MemoryS3());
    await (
      await uploaded(live, s3)
    )();
    await expect(abortSupersededUploads(staging, s3)).rejects.toThrow(
      `s3://shared/${FOLDER} has files of ${live.deployment}/orders: this export needs another bucket or prefix`,
    );
    await expect(abortSupersededUploads(live, s3)).resolves.toBeUndefined();
    // Of the same deployment, whose configuration was changed by hand.
    await expect(abortSupersededUploads({ ...live, exportId: "copy" }, s3)).rejects.toThrow(
      `${live.deployment}/orders`,
    );
  });

  it("abort no uploads of each other, where one prefix begins with the other", async () => {
    const s3 = clientOf(new MemoryS3());
    const publishLive = await uploaded(live, s3);
    const outer = runOf("shop-staging", { prefix: "orders{year}/" });
    const next = { ...outer, superseded: [{ id: live.id, prefix: FOLDER }] };
    await abortSupersededUploads(next, s3);
    await (
      await uploaded(next, s3)
    )();
    expect(await retried(publishLive)).toBe("published");
  });

  it("reserve keys of flat layouts once, and have manifests of their own", async () => {
    const flat = { format: "json", layout: "flat", prefix: "usermetrics/simple_user_logs" };
    const [one, other] = [runOf("shop-staging", flat), runOf("shop-live", flat)];
    const memory = new MemoryS3();
    const s3 = clientOf(memory);
    const key = "usermetrics/simple_user_logs2026-11-21 17:00:02Z";
    expect(fileKey(one, 0, 0)).toBe(`${key}.json`);
    expect([await reserveKey(one, key, s3), await reserveKey(other, key, s3)]).toEqual([true, false]);
    expect([await reserveKey(one, key, s3), await reserveKey(other, `${key}2`, s3)]).toEqual([true, true]);
    const later = { ...other, keyTime: STARTED_AT + 1_000 };
    for (const run of [one, later]) expect(await retried(await uploaded(run, s3))).toBe("published");
    expect([...memory.objects.keys()].filter((each) => each.endsWith("_manifest.json"))).toHaveLength(2);
    expect([...memory.objects.keys()].filter((each) => each.startsWith("usermetrics/"))).toHaveLength(2);
  });
});

describe("a run of a flat layout after the cursor was reset", () => {
  it("deletes the files that it replaces, at whichever request it is killed and tried again", async () => {
    const config = { layout: "flat", prefix: "logs", mode: "incremental", watermark: { attribute: "at" } };
    const first = { ...runOf("shop-live", config), window: { from: "100", to: "200" }, follows: "a" };
    const whole = {
      ...first,
      ...{ id: new Date(STARTED_AT + 5_000).toISOString(), keyTime: STARTED_AT + 5_000 },
      ...{ window: { to: "300" }, follows: "b" },
    };
    let requests = Infinity;
    for (let killed = 1; killed <= requests; killed++) {
      const memory = new MemoryS3();
      await (
        await uploaded(first, clientOf(memory))
      )();
      let number = 0;
      const publish = await uploaded(
        whole,
        clientOf(memory, () => (++number === killed ? Promise.reject(new Error("killed")) : Promise.resolve())),
      ).catch(() => undefined);
      if (publish === undefined) continue;
      await publish().catch(() => publish());
      if (number < killed) requests = killed;
      expect([...memory.objects.keys()].filter((key) => key.startsWith("logs"))).toEqual([fileKey(whole, 0, 0)]);
    }
    expect(requests).toBeGreaterThan(10);
  });
});

describe("a run whose export had another prefix before, in a bucket that is granted by prefix", () => {
  /** Refuses what is not below the prefix. */
  const granted = (memory: MemoryS3, prefix: string): S3Client => {
    const s3 = clientOf(memory);
    const send = (command: { readonly input: { readonly Key?: string } } & Parameters<S3Client["send"]>[0]) =>
      [prefix, "_exports/"].some((each) => (command.input.Key ?? prefix).startsWith(each))
        ? s3.send(command)
        : Promise.reject(Object.assign(new Error("not authorized"), { name: "AccessDenied" }));
    return Object.assign(Object.create(s3) as S3Client, { send });
  };
  const later = { id: new Date(STARTED_AT + 5_000).toISOString(), keyTime: STARTED_AT + 5_000 };

  it("leaves uploads there that it may not abort, and fails for those below its own", async () => {
    const memory = new MemoryS3();
    await uploaded(live, clientOf(memory));
    const superseded = [{ id: live.id, prefix: FOLDER }];
    const s3 = granted(memory, "elsewhere/");
    const next = { ...runOf("shop-live", { prefix: "elsewhere/{year}/" }), ...later, superseded };
    await abortSupersededUploads(next, s3);
    expect(await retried(await uploaded(next, s3))).toBe("published");
    await expect(abortSupersededUploads({ ...live, ...later, superseded }, s3)).rejects.toMatchObject({
      name: "AccessDenied",
    });
  });

  it("leaves files there that it replaces: it would be published, and never finished", async () => {
    const flat = { format: "json", layout: "flat" };
    const memory = new MemoryS3();
    const first = runOf("shop-live", { ...flat, prefix: "before/logs" });
    expect(await retried(await uploaded(first, clientOf(memory)))).toBe("published");
    const next = { ...runOf("shop-live", { ...flat, prefix: "now/logs" }), ...later, replaces: first.id };
    expect(await retried(await uploaded(next, granted(memory, "now/")))).toBe("published");
    const keys = [...memory.objects.keys()].filter((key) => !key.startsWith("_exports/"));
    expect(keys.sort()).toEqual([fileKey(first, 0, 0), fileKey(next, 0, 0)]);
    // Where it is granted, as in the feature's own bucket, nothing stays.
    const last = { ...next, id: new Date(STARTED_AT + 9_000).toISOString(), keyTime: STARTED_AT + 9_000 };
    expect(await retried(await uploaded({ ...last, replaces: next.id }, clientOf(memory)))).toBe("published");
    expect(memory.objects.has(fileKey(next, 0, 0))).toBe(false);
  });
});

describe("a worker that stalls while it publishes", () => {
  it("takes back neither manifest, nor Athena's list, nor marker, at whichever request another run is published", async () => {
    const newer = { ...live, id: new Date(STARTED_AT + 1_000).toISOString() };
    let requests = Infinity;
    for (let stalled = 1; stalled <= requests; stalled++) {
      const memory = new MemoryS3();
      // Counted from the beginning of the publication.
      let [number, isActive] = [-Infinity, true];
      const publishNewer = async () => {
        isActive = false;
        const s3 = clientOf(memory);
        expect(await retried(await uploaded(newer, s3))).toBe("published");
      };
      const older = clientOf(memory, async () => {
        if (++number === stalled) await publishNewer();
      });
      const publishOlder = await uploaded(live, older, () => isActive);
      number = 0;
      await retried(publishOlder);
      if (number < stalled) requests = stalled;
      if (isActive) await publishNewer();

      const key = fileKey(newer, 0, 0);
      const textOf = (of: string) => memory.objects.get(of)?.body.toString() ?? "";
      expect(JSON.parse(textOf(`${FOLDER}_manifest.json`))).toMatchObject({ run: newer.id, files: [{ key }] });
      expect(textOf(symlinkKey(newer))).toBe(`s3://shared/${key}\n`);
      expect(textOf(`${FOLDER}_SUCCESS`)).toContain(newer.id);
      expect(memory.objects.has(key)).toBe(true);
    }
    expect(requests).toBeGreaterThan(10);
  });
});

describe("an object in the place of a day's manifest", () => {
  it.each(["", "{", '{"version":1}', "[]"])(
    "that is none fails the run before the table is read, by its name: %s",
    async (text) => {
      const memory = new MemoryS3();
      const s3 = clientOf(memory);
      const run = runOf("shop-live");
      await s3.send(new PutObjectCommand({ Bucket: "shared", Key: `${FOLDER}_manifest.json`, Body: text }));
      await expect(abortSupersededUploads(run, s3)).rejects.toThrow(
        `s3://shared/${FOLDER}_manifest.json is not a manifest of an export (`,
      );
      const publish = await uploaded(run, s3);
      await expect(publish()).rejects.toMatchObject({ name: "ManifestError" });
      expect(memory.objects.has(`${FOLDER}_SUCCESS`)).toBe(false);
    },
  );
});
