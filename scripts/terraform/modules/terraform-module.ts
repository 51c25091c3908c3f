/** A feature's module as a folder that needs neither CDKTF nor Node: its README, and an example that can be applied. */
import * as z from "zod";
import { assignments } from "./hcl";

/** A synthesized stack's root, as far as it is looked at. */
export const rootSchema = z.looseObject({
  provider: z.object({ aws: z.array(z.looseObject({ region: z.string() })).min(1) }),
  terraform: z.looseObject({ required_version: z.string(), required_providers: z.record(z.string(), z.unknown()) }),
  data: z.record(z.string(), z.unknown()).default({}),
  resource: z.record(z.string(), z.unknown()).default({}),
  module: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type Root = z.output<typeof rootSchema>;

/** A synthesized module, as far as it is looked at. */
export const moduleSchema = z.looseObject({
  variable: z.record(z.string(), z.looseObject({ type: z.string(), description: z.string() })),
  output: z.record(z.string(), z.looseObject({ description: z.string() })),
});
export type Module = z.output<typeof moduleSchema>;

/** What the example is called in place of the environment that it was written from, so that both fit into one account. */
const EXAMPLE = { app: "example", environment: "demo" } as const;

/** Of the root's resources, what is no feature's business. */
const NOT_OF_MODULES = new Set(["aws_cloudwatch_dashboard"]);

/** Of cdktf, which a person who reads the module does not have. */
const METADATA = "//";

/** Where the example stands in the module's folder, and the way back from there. */
export const EXAMPLE_FOLDER = "examples/basic";
const BACK = "../..";

/**
 * The example's files by name: `main.tf`, which people read, and `environment.tf.json`, the topic and the key that the environment would
 * have given the module.
 */
export function exampleFiles(feature: string, root: Root): Readonly<Record<string, string>> {
  const call = root.module[feature];
  if (call === undefined) throw new Error(`the stack has no module ${feature}`);
  const { [METADATA]: _, source: __, providers: ___, app, environment, ...inputs } = call;
  const [provider] = root.provider.aws;
  const main = [
    `# Almanac's ${feature}, by plain Terraform: terraform init && terraform apply`,
    "terraform {",
    ...assignments({ required_version: root.terraform.required_version }, 2).map(indented),
    "  required_providers {",
    ...assignments(root.terraform.required_providers, 4).map((line) => indented(indented(line))),
    "  }",
    "}",
    "",
    'provider "aws" {',
    ...assignments({ region: provider?.region }, 2).map(indented),
    "}",
    "",
    `module "${feature}" {`,
    ...assignments({ source: BACK, ...EXAMPLE, ...inputs }, 2).map(indented),
    "}",
    "",
    `output "${feature}" {`,
    `  value = module.${feature}`,
    "}",
    "",
  ].join("\n");
  const resource = Object.fromEntries(Object.entries(root.resource).filter(([type]) => !NOT_OF_MODULES.has(type)));
  const surroundings = JSON.stringify({ data: root.data, resource }, withoutMetadata, 2).replaceAll(
    new RegExp(`\\b${String(app)}-${String(environment)}\\b`, "g"),
    `${EXAMPLE.app}-${EXAMPLE.environment}`,
  );
  return { "main.tf": main, "environment.tf.json": `${surroundings}\n` };
}

/**
 * The module's README.
 *
 * @param purpose a paragraph
 */
export function moduleReadme(feature: string, purpose: string, { variable, output }: Module): string {
  return [
    `# Almanac: ${feature}`,
    "",
    purpose,
    "",
    "A Terraform module, whole as it is: the functions' code is in `assets/`. It is written by `npx almanac modules` from Almanac's source; change",
    "it there.",
    "",
    `[${EXAMPLE_FOLDER}](${EXAMPLE_FOLDER}/main.tf) calls it with everything that it needs:`,
    "",
    "```sh",
    `cd ${EXAMPLE_FOLDER}`,
    "terraform init",
    "terraform apply",
    "```",
    "",
    "## Inputs",
    "",
    "All are required.",
    "",
    ...markdownTable(
      ["Variable", "Type", "What it is"],
      Object.entries(variable).map(([name, { type, description }]) => [`\`${name}\``, `\`${type}\``, description]),
    ),
    "",
    "## Outputs",
    "",
    ...markdownTable(
      ["Output", "What it is"],
      Object.entries(output).map(([name, { description }]) => [`\`${name}\``, description]),
    ),
    "",
  ].join("\n");
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")));
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`);
}

function withoutMetadata(key: string, value: unknown): unknown {
  return key === METADATA ? undefined : value;
}

function indented(line: string): string {
  return `  ${line}`;
}
