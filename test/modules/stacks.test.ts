import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { mapConcurrently } from "../../functions/shared/concurrency";
import { EXAMPLE_FOLDER, exampleFiles, rootSchema } from "../../scripts/terraform/modules/terraform-module";
import { synthesizeStack } from "../../scripts/terraform/synthesize";
import { terraform, terraformEnvironment } from "../../scripts/terraform/terraform";

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
  execFileSync(process.execPath, ["--import", "tsx", "main.ts"], { env: { ...env, CDKTF_OUTDIR: output } });
});
afterAll(() => {
  rmSync(output, { recursive: true });
});

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
  /** What Terraform says of each folder. */
  const validated = new Map<string, string>();
  const alone = (feature: string) => join(output, "alone", feature, EXAMPLE_FOLDER);
  const environments = ["local", "staging", "production"];
  let features: readonly string[];

  beforeAll(async () => {
    const stack = rootSchema.parse(root("staging"));
    features = Object.keys(stack.module);
    for (const feature of features) {
      cpSync(join(stackDirectory("staging"), "modules", feature), join(output, "alone", feature), { recursive: true });
      mkdirSync(alone(feature), { recursive: true });
      for (const [name, text] of Object.entries(exampleFiles(feature, stack)))
        writeFileSync(join(alone(feature), name), text);
    }
    // Terraform's cache of providers bears no two that fill it: the first alone, then the others side by side.
    const environment = await providerCache();
    const [first, ...others] = [...environments.map(stackDirectory), ...features.map(alone)];
    const validateInto = async (folder: string) => validated.set(folder, await validate(folder, environment));
    if (first !== undefined) await validateInto(first);
    await mapConcurrently(others, availableParallelism(), validateInto);
  }, 300_000);

  it.each(environments)("accepts the stack %s", (environment) => {
    expect(validated.get(stackDirectory(environment))).toContain("Success!");
  });

  it("accepts each feature's folder by itself, called by its example", () => {
    for (const feature of features) expect(validated.get(alone(feature))).toContain("Success!");
  });
});

/** Where providers come from the registry, they come once. */
async function providerCache(): Promise<Record<string, string>> {
  if ("TF_CLI_CONFIG_FILE" in (await terraformEnvironment())) return {};
  const folder = join(output, "providers");
  mkdirSync(folder);
  return { TF_PLUGIN_CACHE_DIR: folder, TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "true" };
}

/** Without the backend, which would want its bucket. @returns what Terraform says, its errors too */
async function validate(folder: string, environment: Record<string, string>): Promise<string> {
  writeFileSync(join(folder, "offline_override.tf.json"), JSON.stringify({ terraform: { backend: { local: {} } } }));
  try {
    await terraform(["init", "-no-color", "-backend=false"], { cwd: folder, environment });
    return await terraform(["validate", "-no-color"], { cwd: folder, environment });
  } catch (error) {
    return String(error);
  }
}
