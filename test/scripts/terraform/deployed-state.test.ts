import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rememberState, requireSameState } from "../../../scripts/terraform/deployed-state";

const folder = mkdtempSync(join(tmpdir(), "almanac-deployed-"));
const file = join(folder, "state", "deployed.json");
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const endpoints = { s3: "http://127.0.0.1:4566" };
const backend = {
  bucket: "almanac-local-terraform-state",
  key: "almanac/local.tfstate",
  region: "eu-central-1",
  endpoints,
};
const deployed = () => Promise.resolve(true);

it("anything may follow when nothing is known to be deployed", async () => {
  await expect(requireSameState(file, backend, deployed)).resolves.toBeUndefined();
  await rememberState(file, backend);
  writeFileSync(file, "{");
  await expect(requireSameState(file, backend, deployed)).resolves.toBeUndefined();
});

it("the same state may follow, at another port too", async () => {
  await rememberState(file, backend);
  const elsewhere = { ...backend, endpoints: { s3: "http://127.0.0.1:4567" } };
  await expect(requireSameState(file, elsewhere, deployed)).resolves.toBeUndefined();
});

it.each([
  ["app", { bucket: "acme-local-terraform-state", key: "acme/local.tfstate" }],
  ["region", { region: "us-east-1" }],
  ["stateBucket", { bucket: "acme-states" }],
])("another %s is refused: it would be a second system beside the first", async (_, change) => {
  await rememberState(file, backend);
  await expect(requireSameState(file, { ...backend, ...change }, deployed)).rejects.toThrow("npm start -- --fresh");
  // After a destroy there is nothing to be beside.
  const asked: unknown[] = [];
  const destroyed = (before: unknown) => {
    asked.push(before);
    return Promise.resolve(false);
  };
  await expect(requireSameState(file, { ...backend, ...change }, destroyed)).resolves.toBeUndefined();
  expect(asked).toEqual([backend]);
});
