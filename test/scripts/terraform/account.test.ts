import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap } from "../../../scripts/environments/bootstrap";
import { requireAccount } from "../../../scripts/terraform/account";

const directory = mkdtempSync(join(tmpdir(), "almanac-account-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const sts = mockClient(STSClient);
const s3 = mockClient(S3Client);

/** A stack that names these accounts. @param others more providers of AWS */
function stackOf(allowed: readonly string[] | undefined, others: readonly object[] = []): void {
  const backend = { bucket: "acme-states", key: "almanac/staging.tfstate", region: "eu-central-1" };
  const aws = [{ region: "eu-central-1", ...(allowed && { allowed_account_ids: allowed }) }, ...others];
  writeFileSync(
    join(directory, "cdk.tf.json"),
    JSON.stringify({ terraform: { backend: { s3: backend } }, provider: { aws } }),
  );
}

beforeEach(() => {
  sts.reset();
  s3.reset();
  sts.on(GetCallerIdentityCommand).resolves({ Account: "111111111111" });
});

it.each([[[]], [[{ alias: "certificates", region: "us-east-1" }]]])(
  "creates nothing in an account that main.ts does not name, beside the providers %j",
  async (others) => {
    stackOf(["222222222222"], others);
    await expect(
      bootstrap({
        name: "staging",
        directory,
        personal: false,
        aws: { region: "eu-central-1" },
        terraform: { cwd: directory },
      }),
    ).rejects.toThrow("The AWS credentials are of the account 111111111111, and main.ts names 222222222222.");
    expect(s3.calls()).toEqual([]);
  },
);

it("works in the account that main.ts names, and in any where it names none", async () => {
  stackOf(["111111111111"]);
  await expect(requireAccount(directory)).resolves.toBeUndefined();
  stackOf(undefined);
  sts.reset();
  await expect(requireAccount(directory)).resolves.toBeUndefined();
  expect(sts.calls()).toEqual([]);
});
