/** Writes stacks as a scanner reads them: each module's resources in one file, with its variables put in. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readStackResources, type Resource } from "../../terraform/stack-resources";

/** Writes `<folder>/<environment>/<module>.tf.json`; the environment's own resources are `root.tf.json`. */
export async function writeForScan(stack: string, environment: string, folder: string): Promise<void> {
  const modules = new Map<string, Resource[]>();
  for (const resource of await readStackResources(stack)) {
    modules.set(resource.module, [...(modules.get(resource.module) ?? []), resource]);
  }
  await mkdir(join(folder, environment), { recursive: true });
  for (const [module, resources] of modules) {
    const file = join(folder, environment, `${module || "root"}.tf.json`);
    await writeFile(file, JSON.stringify({ resource: blocksOf(module, resources) }, undefined, 2));
  }
}

function blocksOf(module: string, resources: readonly Resource[]): Record<string, Record<string, unknown>> {
  const blocks: Record<string, Record<string, unknown>> = {};
  for (const { type, address, values } of resources) {
    const { "//": _, ...fields } = values;
    // In its own file, a module's resources refer to each other as they do in its folder.
    const local = JSON.stringify(fields).replaceAll(`\${module.${module}.`, "${");
    blocks[type] = { ...blocks[type], [address.split(".").at(-1) ?? address]: JSON.parse(local) as unknown };
  }
  return blocks;
}
