/** Writes stacks for a scanner: one file a module, with variables resolved. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Resource } from "../../../modules/synthesized/resources";
import { readStackResources } from "../../terraform/stack-resources";

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
    // In the module's own file, references have no module prefix.
    const local = JSON.stringify(fields).replaceAll(`\${module.${module}.`, "${");
    blocks[type] = { ...blocks[type], [address.split(".").at(-1) ?? address]: JSON.parse(local) as unknown };
  }
  return blocks;
}
