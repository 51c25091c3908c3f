import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emulatorKeysFile, terraformKeys } from "../../../modules/constructs/emulator-keys";
import { keysOf, randomKeys, removeKeys, writeKeys } from "../../../scripts/shared/emulator-keys";

const ENDPOINT = "http://127.0.0.1:4999";
const project = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "almanac-keys-"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(project);
  rmSync(folder, { recursive: true });
});

it("draws other keys for each run, in the shape of AWS's", () => {
  const keys = Array.from({ length: 20 }, () => randomKeys());
  expect(new Set(keys.flatMap(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey])).size).toBe(40);
  for (const { accessKeyId, secretAccessKey } of keys) {
    expect(accessKeyId).toMatch(/^[A-Z0-9]{20}$/);
    expect(secretAccessKey).toMatch(/^[\w-]{40}$/);
  }
});

it("keeps them readable by their owner only, also where a file was before", async () => {
  const [first, second] = [randomKeys(), randomKeys()];
  await writeKeys(ENDPOINT, first);
  const file = emulatorKeysFile(ENDPOINT);
  rmSync(file);
  writeFileSync(file, "", { mode: 0o644 });
  await writeKeys(ENDPOINT, second);
  expect((statSync(file).mode & 0o777).toString(8)).toBe(process.platform === "win32" ? "666" : "600");
  expect(keysOf(ENDPOINT)).toEqual(second);
  expect(keysOf("http://localhost:4999")).toEqual(second);
});

it("names their file to Terraform, and no key", async () => {
  const keys = randomKeys();
  await writeKeys(ENDPOINT, keys);
  const given = terraformKeys(ENDPOINT);
  expect(given).toEqual({ profile: "almanac-emulator", sharedCredentialsFiles: [emulatorKeysFile(ENDPOINT)] });
  expect(JSON.stringify(given)).not.toContain(keys.secretAccessKey);
});

it("has keys that mean nothing for an emulator of somebody else's, and after the end of its own", async () => {
  expect(keysOf(ENDPOINT)).toEqual({ accessKeyId: "test", secretAccessKey: "test" });
  await writeKeys(ENDPOINT, randomKeys());
  await removeKeys(ENDPOINT);
  expect(keysOf(ENDPOINT)).toEqual({ accessKeyId: "test", secretAccessKey: "test" });
  expect(terraformKeys(ENDPOINT)).toEqual({ accessKey: "test", secretKey: "test" });
});
