import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTags } from "../../scripts/terraform/synthesize";
import { synthesize } from "../support/synthesized";

it("works in the account that it names, and in no other", () => {
  const provider = (more: object) => JSON.stringify(synthesize({ timers: {}, ...more }).root["provider"]);
  expect(provider({ account: "123456789012" })).toContain('"allowed_account_ids":["123456789012"]');
  expect(provider({})).not.toContain("allowed_account_ids");
});

describe("the tags of a stack", () => {
  const { root } = synthesize({ heartbeats: { targets: [] }, timers: {} });

  it("are the environment's", async () => {
    const directory = await mkdtemp(join(tmpdir(), "almanac-test-"));
    await writeFile(join(directory, "cdk.tf.json"), JSON.stringify(root));
    expect(await readTags(directory)).toEqual({ App: "almanac", Environment: "staging", ManagedBy: "almanac" });
    await rm(directory, { recursive: true });
  });
});
