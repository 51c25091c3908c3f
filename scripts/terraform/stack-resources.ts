/** Reads the resources of a synthesized stack and its modules from their files. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lookup } from "../../modules/synthesized/expression";
import { resourcesOf, stackSchema, type Resource, type Stack } from "../../modules/synthesized/resources";

/**
 * @param directory `cdktf.out/stacks/staging`
 * @param data values of data sources. @default all unknown
 */
export async function readStackResources(directory: string, data?: Lookup): Promise<readonly Resource[]> {
  const root = await readStack(join(directory, "cdk.tf.json"));
  const modules = new Map<string, Stack>();
  for (const { source } of Object.values(root.module))
    modules.set(source, await readStack(join(directory, source, "module.json")));
  return resourcesOf(root, (_, source) => modules.get(source) ?? stackSchema.parse({}), data);
}

/** @param file `cdk.tf.json`, or a module's `module.json` */
export async function readStack(file: string): Promise<Stack> {
  return stackSchema.parse(JSON.parse(await readFile(file, "utf8")));
}
