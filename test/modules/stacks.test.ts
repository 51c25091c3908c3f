import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { ANY_KEYS, EMULATOR_PROFILE } from "../../modules/constructs/emulator-keys";
import { EXAMPLE_FOLDER, exampleFiles, rootSchema } from "../../scripts/terraform/modules/terraform-module";
import { synthesizeStack } from "../../scripts/terraform/synthesize";
import { terraform } from "../../scripts/terraform/terraform";

/** What `cdktf synth` writes from the real main.ts. */
const output = mkdtempSync(join(tmpdir(), "almanac-stacks-"));
const stackDirectory = (environment: string) => join(output, "stacks", environment);

const stackSchema = z.looseObject({
  terraform: z.looseObject({ backend: z.object({ s3: z.looseObject({ bucket: z.string(), key: z.string() }) }) }),
  provider: z.object({ aws: z.array(z.looseObject({ region: z.string() })) }),
  module: z.record(z.string(), z.looseObject({ source: z.string() })),
});
const root = (environment: string) =>
  stackSchema.parse(JSON.parse(readFileSync(join(stackDirectory(environment), "cdk.tf.json"), "utf8")));
const moduleJson = (environment: string, feature: string) =>
  readFileSync(join(stackDirectory(environment), "modules", feature, "module.json"), "utf8");

beforeAll(() => {
  const { ALMANAC_AWS_ENDPOINT: _, ...env } = process.env;
  execFileSync(process.execPath, ["--require", "tsx/cjs", "main.ts"], { env: { ...env, CDKTF_OUTDIR: output } });
});
afterAll(() => {
  rmSync(output, { recursive: true });
});

/** The provider's service of a resource's type. */
const SERVICES: readonly (readonly [prefix: string, service: string])[] = [
  ["aws_api_gateway_", "apigateway"],
  ["aws_caller_identity", "sts"],
  ["aws_cloudwatch_event_", "events"],
  ["aws_cloudwatch_log_", "cloudwatchlogs"],
  ["aws_cloudwatch_", "cloudwatch"],
  ["aws_partition", "sts"],
  ["aws_region", "sts"],
  ...["dynamodb", "glue", "iam", "kms", "lambda", "s3", "sfn", "sns", "sqs"].map(
    (service) => [`aws_${service}_`, service] as const,
  ),
];

describe("main.ts", () => {
  it("has three environments", () => {
    expect(readdirSync(join(output, "stacks")).sort()).toEqual(["local", "production", "staging"]);
  });

  it("keeps the state of each in a bucket of its own, locked and encrypted", () => {
    for (const environment of ["local", "staging", "production"]) {
      expect(root(environment).terraform.backend.s3).toMatchObject({
        bucket: `almanac-${environment}-terraform-state`,
        key: `almanac/${environment}.tfstate`,
        use_lockfile: true,
        encrypt: true,
      });
    }
  });

  it("sends nothing but the local environment to an emulator", () => {
    expect(root("local").provider.aws[0]).toHaveProperty("endpoints");
    for (const environment of ["staging", "production"]) {
      expect(Object.keys(root(environment).provider.aws[0] ?? {}).sort()).toEqual(["default_tags", "region"]);
      expect(JSON.stringify(root(environment))).not.toContain("127.0.0.1");
    }
  });

  it("sends every request of the local environment to its emulator, with its own keys", () => {
    const [provider] = root("local").provider.aws;
    // While an emulator of npm start runs here, its keys are in a file.
    expect([EMULATOR_PROFILE, ANY_KEYS.accessKeyId]).toContain(provider?.["profile"] ?? provider?.["access_key"]);
    expect(provider).toMatchObject({
      skip_metadata_api_check: "true",
      skip_credentials_validation: true,
      s3_use_path_style: true,
    });
    const endpoints = z.tuple([z.record(z.string(), z.string())]).parse(provider?.["endpoints"])[0];
    expect(new Set(Object.values(endpoints))).toEqual(new Set(["http://127.0.0.1:4566"]));
    const modules = Object.keys(root("local").module).map((feature) => moduleJson("local", feature));
    const types = [JSON.stringify(root("local")), ...modules].flatMap(
      (json) => json.match(/\baws_[a-z_0-9]+(?=": ?\{)/g) ?? [],
    );
    const services = types.map((type) => SERVICES.find(([prefix]) => type.startsWith(prefix))?.[1] ?? type);
    expect(Object.keys(endpoints).sort()).toEqual([...new Set([...services, "sts"])].sort());
  });

  it("protects what production stores, and nothing elsewhere", () => {
    expect(moduleJson("production", "heartbeats")).toContain('"prevent_destroy": true');
    for (const environment of ["local", "staging"]) {
      expect(moduleJson(environment, "heartbeats")).not.toContain('"prevent_destroy": true');
    }
  });

  it("calls each feature as a module, from a folder that is all there", () => {
    for (const environment of ["local", "staging", "production"]) {
      expect(root(environment).module["heartbeats"]?.source).toBe("./modules/heartbeats");
      expect(readdirSync(join(stackDirectory(environment), "modules", "heartbeats", "assets"))).toEqual([
        "check.zip",
        ...(environment === "local" ? ["heartbeat-api.zip"] : []),
        "publish.zip",
      ]);
      expect(root(environment).module["workflows"]?.source).toBe("./modules/workflows");
      expect(readdirSync(join(stackDirectory(environment), "modules", "workflows", "assets"))).toEqual([
        ...(environment === "local" ? ["pay.zip"] : []),
        "reconcile.zip",
        "start.zip",
        "sweep.zip",
        "tasks.zip",
      ]);
    }
  });

  it("checks every minute on this machine, every five elsewhere", () => {
    expect(root("local").module["heartbeats"]).toMatchObject({ interval_minutes: 1 });
    expect(root("staging").module["heartbeats"]).toMatchObject({ interval_minutes: 5 });
    expect(root("production").module["heartbeats"]).toMatchObject({ interval_minutes: 5 });
  });
});

describe("an environment that main.ts does not have", () => {
  it("is named, with those that it has", async () => {
    await expect(synthesizeStack("nowhere", { outputDirectory: join(output, "nowhere") })).rejects.toThrow(
      'There is no environment "nowhere": main.ts has local, production, staging.',
    );
  });
});

describe("terraform validate", () => {
  it("accepts the stacks, and the folder of each feature, called by its example", async () => {
    const staging = rootSchema.parse(root("staging"));
    const features = Object.keys(staging.module);
    for (const feature of features) {
      const folder = join(output, "alone", feature);
      cpSync(join(stackDirectory("staging"), "modules", feature), folder, { recursive: true });
      mkdirSync(join(folder, EXAMPLE_FOLDER), { recursive: true });
      for (const [name, text] of Object.entries(exampleFiles(feature, staging)))
        writeFileSync(join(folder, EXAMPLE_FOLDER, name), text);
    }
    const sources = [
      ...["local", "staging", "production"].map((name) => [name, `./stacks/${name}`]),
      ...features.map((feature) => [feature, `./alone/${feature}/${EXAMPLE_FOLDER}`]),
    ];
    expect(sources.length).toBeGreaterThan(7);
    // One root calls them all: Terraform loads the provider once.
    const module = Object.fromEntries(sources.map(([name = "", source]) => [name, { source }]));
    writeFileSync(join(output, "main.tf.json"), JSON.stringify({ module }));
    await terraform(["init", "-no-color", "-backend=false"], { cwd: output });
    expect(await terraform(["validate", "-no-color"], { cwd: output })).toContain("Success!");
  });
});
