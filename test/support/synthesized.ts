/** Reads what features and environments turn into, for tests to hold. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import * as z from "zod";
import { Environment, type EnvironmentInput } from "../../modules/environment";
import { Feature } from "../../modules/constructs/feature";

const blocks = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown())));

/** Terraform JSON, as far as tests look into it. */
export const terraformSchema = z.looseObject({
  resource: blocks.default({}),
  data: blocks.default({}),
  variable: z.record(z.string(), z.unknown()).default({}),
  output: z.record(z.string(), z.unknown()).default({}),
  module: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
export type TerraformJson = z.output<typeof terraformSchema>;

/** An environment of this configuration, synthesized with all validations: its root, and each feature's module by name. */
export function synthesize(
  input: Omit<EnvironmentInput, "region"> & Partial<Pick<EnvironmentInput, "region">>,
  name = "staging",
): { readonly root: TerraformJson; readonly modules: Readonly<Record<string, TerraformJson>> } {
  const outdir = mkdtempSync(join(tmpdir(), "almanac-synth-"));
  try {
    const app = new App({ outdir });
    const environment = new Environment(app, name, { region: "eu-central-1", ...input });
    app.synth();
    const features = environment.node.children.filter((child): child is Feature => child instanceof Feature);
    return {
      root: terraformSchema.parse(environment.toTerraform()),
      modules: Object.fromEntries(features.map((each) => [each.feature, terraformSchema.parse(each.toModule())])),
    };
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** @returns the folder of the stack: what Terraform reads */
export function writeStack(outdir: string, name: string, input: EnvironmentInput): string {
  const app = new App({ outdir });
  new Environment(app, name, input);
  app.synth();
  return join(outdir, "stacks", name);
}

/** A feature made of nothing but what `build` puts into it: for tests of constructs. */
export function synthesizeConstructs(build: (feature: Feature) => void, protectData = false): TerraformJson {
  class Sample extends Feature {
    readonly deadLetterAlarm = { disabled: "a sample" };

    constructor(scope: TerraformStack) {
      super(scope, "sample", {
        app: "almanac",
        environment: "staging",
        alarmTopicArn: "arn:alarms",
        codeBucket: "code",
        encryptionKeyArn: "arn:key",
        protectData,
      });
      build(this);
    }
  }
  const sample = new Sample(new TerraformStack(new App(), "staging"));
  sample.prepareStack();
  sample.runAllValidations();
  return terraformSchema.parse(sample.toModule());
}

/** One resource's attributes. */
export function resource(json: TerraformJson, type: string, name: string): Record<string, unknown> {
  const found = json.resource[type]?.[name];
  if (found === undefined) {
    throw new Error(`no ${type}.${name}: there are ${Object.keys(json.resource[type] ?? {}).join(", ") || "none"}`);
  }
  return found;
}

const policySchema = z.object({
  Statement: z.array(
    z.looseObject({
      Sid: z.string().optional(),
      Effect: z.enum(["Allow", "Deny"]),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.union([z.string(), z.array(z.string())]).optional(),
    }),
  ),
});

/** A statement for people: `Allow dynamodb:BatchWriteItem on ${aws_dynamodb_table.telemetry.arn} (HeartbeatsTable)`. */
export function describePolicy(policy: unknown): string[] {
  const { Statement } = policySchema.parse(JSON.parse(z.string().parse(policy)));
  return Statement.map(({ Sid, Effect, Action, Resource, Principal, Condition }) =>
    [
      Effect,
      [Action].flat().join(", "),
      ...(Resource === undefined ? [] : ["on", [Resource].flat().join(", ")]),
      ...(Principal === undefined ? [] : ["by", JSON.stringify(Principal)]),
      ...(Condition === undefined ? [] : ["if", JSON.stringify(Condition)]),
      ...(Sid === undefined ? [] : [`(${Sid})`]),
    ].join(" "),
  );
}

/** Every policy in a module or root: where it is, and its statements. */
export function policiesOf(
  json: TerraformJson,
): { readonly at: string; readonly statements: z.output<typeof policySchema>["Statement"] }[] {
  return Object.entries(json.resource).flatMap(([type, named]) =>
    Object.entries(named).flatMap(([name, attributes]) =>
      ["policy", "assume_role_policy"].flatMap((attribute) => {
        const policy = attributes[attribute];
        if (typeof policy !== "string" || !policy.startsWith("{")) return [];
        return [{ at: `${type}.${name}`, statements: policySchema.parse(JSON.parse(policy)).Statement }];
      }),
    ),
  );
}

/**
 * A module as a reviewer reads it: each resource by type and name with what was said about it; policies as sentences; nothing
 * that only says that nothing was said.
 */
export function review(json: TerraformJson): string {
  const resources = Object.entries(json.resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, attributes]) =>
      [
        `${type}.${name}`,
        ...Object.entries(attributes)
          .sort()
          .flatMap(([key, value]) => attribute(key, value)),
      ].join("\n"),
    ),
  );
  return [
    `variables: ${Object.keys(json.variable).sort().join(", ")}`,
    `outputs: ${Object.keys(json.output).sort().join(", ")}`,
    ...resources.sort(),
  ].join("\n\n");
}

function attribute(key: string, value: unknown): string[] {
  if (isEmpty(value) || (key === "lifecycle" && JSON.stringify(value) === '{"prevent_destroy":false}')) return [];
  if (typeof value === "string" && /^\{.*"Version":"2012-10-17"/.test(value)) {
    return [`  ${key}:`, ...describePolicy(value).map((statement) => `    ${statement}`)];
  }
  return [`  ${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}
