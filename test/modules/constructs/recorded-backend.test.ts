import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { Environment } from "../../../modules/environment";

const outdir = mkdtempSync(join(tmpdir(), "almanac-backend-"));
const folder = join(outdir, "stacks", "local", ".terraform");
const file = join(folder, "terraform.tfstate");
afterAll(() => {
  rmSync(outdir, { recursive: true });
});

/** As Terraform 1.11 writes it. */
const record = (config: Readonly<Record<string, unknown>>) => {
  mkdirSync(folder, { recursive: true });
  const recorded = { ...backend, acl: null, endpoints: { s3: "http://127.0.0.1:9", iam: null }, ...config };
  writeFileSync(file, JSON.stringify({ version: 3, backend: { type: "s3", config: recorded, hash: 1 } }));
};
const backend = {
  bucket: "almanac-local-terraform-state",
  key: "almanac/local.tfstate",
  region: "eu-central-1",
  encrypt: true,
  access_key: "test",
  secret_key: "test",
  skip_metadata_api_check: true,
  skip_credentials_validation: true,
  skip_region_validation: true,
  skip_requesting_account_id: true,
  skip_s3_checksum: true,
  use_path_style: true,
};
const synthesize = (awsEndpoint?: string) => {
  const app = new App({ outdir });
  new Environment(app, "local", { region: "eu-central-1", ...(awsEndpoint !== undefined && { awsEndpoint }) });
  app.synth();
};

describe("Terraform's record of a backend", () => {
  it("is kept while the emulator is the same: Terraform needs no other init", () => {
    record({});
    synthesize("http://127.0.0.1:9");
    expect(existsSync(file)).toBe(true);
  });

  it.each<[what: string, config: Readonly<Record<string, unknown>>]>([
    ["port", { endpoints: { s3: "http://127.0.0.1:10" } }],
    ["kind of keys", { access_key: null, profile: "almanac-emulator" }],
    ["bucket", { bucket: "another" }],
  ])("is removed when the emulator had another %s", (_, config) => {
    record(config);
    synthesize("http://127.0.0.1:9");
    expect(existsSync(file)).toBe(false);
  });

  it("is kept on AWS, whatever has changed: a state may have to be migrated", () => {
    record({ bucket: "another" });
    synthesize();
    expect(existsSync(file)).toBe(true);
  });

  it("is left alone when it cannot be read", () => {
    writeFileSync(file, "{");
    synthesize("http://127.0.0.1:9");
    expect(existsSync(file)).toBe(true);
  });
});
