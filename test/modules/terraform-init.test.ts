import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REQUIRED_PROVIDERS } from "../../modules/constructs/versions";
import { terraformInit } from "../../scripts/terraform/terraform";

const cwd = mkdtempSync(join(tmpdir(), "almanac-init-"));
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

it("goes on where an earlier release has left its choice of a provider", async () => {
  writeFileSync(join(cwd, "main.tf.json"), JSON.stringify({ terraform: { required_providers: REQUIRED_PROVIDERS } }));
  const lock = join(cwd, ".terraform.lock.hcl");
  writeFileSync(
    lock,
    'provider "registry.terraform.io/hashicorp/aws" {\n  version     = "4.67.0"\n  constraints = "~> 4.67"\n}\n',
  );
  await terraformInit({ cwd });
  expect(readFileSync(lock, "utf8")).not.toContain("4.67");
});
