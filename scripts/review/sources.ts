/**
 * Reads the arguments of a plan's resources from the modules' JSON. A plan has them for modules in JSON syntax; for modules in HCL it has only the
 * resources that they refer to.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Stack } from "../../modules/synthesized/resources";
import { readStack } from "../terraform/stack-resources";
import type { ModuleConfiguration, Plan } from "./plan";

/** The plan of a synthesized stack, with the arguments of its modules. @param directory the folder of cdk.tf.json */
export async function withSources(plan: Plan, directory: string): Promise<Plan> {
  const { root_module: root } = plan.configuration;
  if (root === undefined) return plan;
  const stack = await readStack(join(directory, "cdk.tf.json"));
  const calls = Object.entries(root.module_calls).map(async ([name, call]) => {
    const file = join(directory, stack.module[name]?.source ?? "", "module.json");
    // A stack of unreviewed code has modules in JSON syntax only.
    return [name, existsSync(file) ? { ...call, module: configurationOf(await readStack(file)) } : call] as const;
  });
  const root_module = { ...root, module_calls: Object.fromEntries(await Promise.all(calls)) };
  return { ...plan, configuration: { root_module } };
}

function configurationOf({ resource }: Stack): ModuleConfiguration {
  const resources = Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, values]) => ({
      address: `${type}.${name}`,
      expressions: Object.fromEntries(
        Object.entries(values).map(([argument, value]) => [
          argument,
          isBlock(value) ? { block: value } : { constant_value: value },
        ]),
      ),
    })),
  );
  return { resources, module_calls: {} };
}

/** An object, or a list of objects: a block, or a map. The plan has the values of both, so that it is enough that they are configured. */
function isBlock(value: unknown): boolean {
  return [value].flat().some((each) => typeof each === "object");
}
