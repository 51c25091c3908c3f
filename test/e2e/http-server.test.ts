/** The emulator's HTTP server: granian, and hypercorn where granian is missing. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { findEmulator, type Emulator } from "../../scripts/emulator/find";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration } from "./support/system";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "almanac-http-server-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** As in MiniStack's image. */
async function withoutGranian(emulator: Emulator & { readonly kind: "python" }): Promise<Emulator> {
  const program = `import os, runpy, sys
sys.modules["granian"] = None
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")`;
  const python = join(folder, "python");
  await writeFile(python, `#!/bin/sh\nexec "${emulator.python}" -c '${program}' "$@"\n`);
  await chmod(python, 0o755);
  return { ...emulator, python };
}

async function withEmulator(emulator: Emulator, work: (started: BareEmulator) => Promise<void>): Promise<void> {
  const started = await bareEmulator(emulator);
  try {
    await work(started);
  } finally {
    await started.close();
  }
}

/** Larger than the servers' buffers. */
const Body = Buffer.alloc(20_000_000, "0123456789");

/** @param server its name in responses; hypercorn has none */
async function checkServer({ endpoint }: BareEmulator, server: string | null): Promise<void> {
  const health = await fetch(`${endpoint}/_ministack/health`);
  expect(health.headers.get("server")).toBe(server);

  const s3 = new S3Client({ ...awsConfiguration(endpoint), maxAttempts: 1 });
  const object = { Bucket: "bucket", Key: "a folder/ä+b%20c?.txt" };
  await s3.send(new CreateBucketCommand(object));
  await s3.send(new PutObjectCommand({ ...object, Body }));
  const { ContentLength } = await s3.send(new HeadObjectCommand(object));
  const { Body: stored } = await s3.send(new GetObjectCommand(object));
  expect(ContentLength).toBe(Body.length);
  expect(Body.equals((await stored?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
}

it("serves large bodies, answers without one, and any key: with granian, and without", async () => {
  const emulator = await findEmulator();
  if (emulator.kind !== "python") throw new Error("this test needs Python");

  await withEmulator(emulator, (started) => checkServer(started, "granian"));
  await withEmulator(await withoutGranian(emulator), (started) => checkServer(started, null));
});
