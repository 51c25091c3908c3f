/** Writes a feature's module for plain Terraform: its README, and an example that can be applied. */
import * as z from "zod";
import { isObject } from "../../../functions/shared/errors";
import type { BlockTypes } from "../../../modules/hcl/block-types";
import { assignments, expressionOf, indented } from "../../../modules/hcl/expression";
import { resourceBlocks } from "../../../modules/hcl/module-files";

/** The parts of a synthesized root module that are used. */
export const rootSchema = z.looseObject({
  provider: z.object({ aws: z.array(z.looseObject({ region: z.string() })).min(1) }),
  terraform: z.looseObject({ required_version: z.string(), required_providers: z.record(z.string(), z.unknown()) }),
  data: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  resource: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  module: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type Root = z.output<typeof rootSchema>;

/** The parts of a synthesized module that are used. */
export const moduleSchema = z.looseObject({
  variable: z.record(
    z.string(),
    z.looseObject({ type: z.string(), description: z.string(), default: z.unknown().optional() }),
  ),
  output: z.record(z.string(), z.looseObject({ description: z.string() })),
});
export type Module = z.output<typeof moduleSchema>;

/** Replaces the environment's names in the example, so that both can exist in one account. */
const EXAMPLE = { app: "example", environment: "demo" } as const;

/** Root resources that no feature needs. */
const NOT_OF_MODULES = new Set(["aws_cloudwatch_dashboard"]);

/** cdktf's metadata, meaningless without cdktf. */
const METADATA = "//";

/** The example's folder in the module, and the path back. */
export const EXAMPLE_FOLDER = "examples/basic";
const BACK = "../..";

/** The example's files by name: `main.tf`, and `environment.tf`, the topic, the key and the bucket that an environment provides. */
export function exampleFiles(feature: string, root: Root): Readonly<Record<string, string>> {
  const call = root.module[feature];
  if (call === undefined) throw new Error(`the stack has no module ${feature}`);
  const { [METADATA]: _, source: __, providers: ___, app, environment, ...inputs } = call;
  const [provider] = root.provider.aws;
  const main = `# Almanac's ${feature} with plain Terraform: terraform init && terraform apply
terraform {
  required_version = ${expressionOf(root.terraform.required_version)}

  required_providers {
${indented(indented(assignments(root.terraform.required_providers)))}
  }
}

provider "aws" {
${indented(assignments({ region: provider?.region }))}
}

module "${feature}" {
${indented(assignments({ source: BACK, ...EXAMPLE, ...inputs }))}
}

output "${feature}" {
  value = module.${feature}
}
`;
  const resource = Object.fromEntries(Object.entries(root.resource).filter(([type]) => !NOT_OF_MODULES.has(type)));
  const blocks = resourceBlocks({ resource, data: root.data }, blockTypesOf(resource)).map(({ text }) => text);
  const surroundings = ["# What an environment provides to its modules.", ...blocks]
    .join("\n\n")
    .replaceAll(
      new RegExp(`\\b${String(app)}-${String(environment)}\\b`, "g"),
      `${EXAMPLE.app}-${EXAMPLE.environment}`,
    );
  return { "main.tf": main, "environment.tf": `${surroundings}\n` };
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
    "A self-contained Terraform module: the functions' code is in `assets/`. Generated from Almanac's source by `npx almanac modules`;",
    "change it there.",
    "",
    `[${EXAMPLE_FOLDER}](${EXAMPLE_FOLDER}/main.tf) calls it with all inputs:`,
    "",
    "```sh",
    `cd ${EXAMPLE_FOLDER}`,
    "terraform init",
    "terraform apply",
    "```",
    "",
    "## Inputs",
    "",
    "Terraform checks them by the same rules as main.ts is checked.",
    "",
    ...markdownTable(
      ["Variable", "Type", "Default", "Description"],
      Object.entries(variable).map(([name, { type, default: initial, description }]) => [
        `\`${name}\``,
        `\`${type}\``,
        initial === undefined ? "required" : `\`${JSON.stringify(initial)}\``,
        description,
      ]),
    ),
    "",
    "## Outputs",
    "",
    ...markdownTable(
      ["Output", "Description"],
      Object.entries(output).map(([name, { description }]) => [`\`${name}\``, description]),
    ),
    "",
  ].join("\n");
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")));
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`);
}

/** By address. None of these resources has a map: an object is a nested block. */
function blockTypesOf(resource: Root["resource"]): ReadonlyMap<string, BlockTypes> {
  return new Map(
    Object.entries(resource).flatMap(([type, named]) =>
      Object.entries(named).map(([name, body]) => [`${type}.${name}`, objectsIn(body)] as const),
    ),
  );
}

function objectsIn(value: unknown): BlockTypes {
  if (!isObject(value)) return {};
  const nested = Object.entries(value).map(([name, item]) => [name, [item].flat().find(isObject)] as const);
  return Object.fromEntries(nested.flatMap(([name, item]) => (item === undefined ? [] : [[name, objectsIn(item)]])));
}
