import { HeadObjectCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rememberTerraform, wasApplyKilled } from "../../../scripts/local/killed-apply";
import { identifyProcess } from "../../../scripts/shared/processes";

const folder = mkdtempSync(join(tmpdir(), "almanac-killed-"));
const file = join(folder, "terraform.json");
const s3 = { bucket: "states", key: "local.tfstate", region: "eu-central-1", endpoints: { s3: "http://127.0.0.1:1" } };
writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify({ terraform: { backend: { s3 } } }));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const client = mockClient(S3Client);
const lock = client.on(HeadObjectCommand, { Bucket: "states", Key: "local.tfstate.tflock" });
const setLock = (locked: boolean) => {
  if (locked) lock.resolves({});
  else lock.rejects(new S3ServiceException({ name: "NotFound", $fault: "client", $metadata: { httpStatusCode: 404 } }));
};

let terraform: ChildProcess;
const kill = async () => {
  const ended = new Promise((resolve) => terraform.once("exit", resolve));
  terraform.kill("SIGKILL");
  await ended;
};
beforeEach(() => {
  terraform = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const identity = identifyProcess(terraform.pid ?? 0);
  if (identity !== undefined) rememberTerraform(file, identity);
});
afterEach(() => terraform.kill("SIGKILL"));

it("was killed when it has ended and left its lock", async () => {
  setLock(true);
  await kill();
  await expect(wasApplyKilled(file, folder)).resolves.toBe(true);
});

it("was not killed while it runs, when it has released its lock, and when there is none", async () => {
  setLock(true);
  await expect(wasApplyKilled(file, folder)).resolves.toBe(false);
  await expect(wasApplyKilled(join(folder, "missing"), folder)).resolves.toBe(false);
  setLock(false);
  await kill();
  await expect(wasApplyKilled(file, folder)).resolves.toBe(false);
});
