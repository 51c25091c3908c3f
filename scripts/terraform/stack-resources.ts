/** Reads the resources of a synthesized stack and its modules from their files. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { resourcesOf, stackSchema, type Resource, type Stack } from "../../modules/synthesized/resources";

/** @param directory `cdktf.out/stacks/staging` */
export async function readStackResources(directory: string): Promise<readonly Resource[]> {
  const root = await readStack(join(directory, "cdk.tf.json"));
  const modules = new Map<string, Stack>();
  for (const { source } of Object.values(root.module))
    modules.set(source, await readStack(join(directory, source, "module.json")));
  return resourcesOf(root, (_, source) => modules.get(source) ?? stackSchema.parse({}));
}

/** @param file `cdk.tf.json`, or a module's `module.json` */
export async function readStack(file: string): Promise<Stack> {
  return stackSchema.parse(JSON.parse(await readFile(file, "utf8")));
}
