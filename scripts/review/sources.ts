/**
 * The arguments of a plan's resources as they are written. Terraform prints them for modules in its JSON syntax only; of HCL it prints which
 * resources they refer to. The module's JSON is beside its HCL.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stackSchema, type Stack } from "../../modules/synthesized/resources";
import { parseJson } from "../shared/fields";
import type { ModuleConfiguration, Plan } from "./plan";

/** The plan of a synthesized stack, with the arguments of its modules. @param directory the folder of cdk.tf.json */
export async function withSources(plan: Plan, directory: string): Promise<Plan> {
  const { root_module: root } = plan.configuration;
  const stack = await readStack(join(directory, "cdk.tf.json"));
  if (root === undefined || stack === undefined) return plan;
  const calls = Object.entries(root.module_calls).map(async ([name, call]) => {
    const module = await readStack(join(directory, stack.module[name]?.source ?? "", "module.json"));
    return [name, module === undefined ? call : { ...call, module: configurationOf(module) }] as const;
  });
  const root_module = { ...root, module_calls: Object.fromEntries(await Promise.all(calls)) };
  return { ...plan, configuration: { root_module } };
}

/** Undefined: there is no such file, as in a stack whose modules are JSON. */
async function readStack(file: string): Promise<Stack | undefined> {
  return existsSync(file) ? stackSchema.parse(parseJson(await readFile(file, "utf8"))) : undefined;
}

function configurationOf({ resource }: Stack): ModuleConfiguration {
  const resources = Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, values]) => ({
      address: `${type}.${name}`,
      expressions: Object.fromEntries(
        Object.entries(values)
          .filter(([, value]) => !isBlock(value))
          .map(([argument, value]) => [argument, { constant_value: value }]),
      ),
    })),
  );
  return { resources, module_calls: {} };
}

/** An object, or a list of objects: a block, or a map, whose values a plan has. */
function isBlock(value: unknown): boolean {
  return [value].flat().some((each) => typeof each === "object");
}
