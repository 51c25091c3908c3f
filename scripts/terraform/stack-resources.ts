/** Reads the resources of a synthesized stack and its modules, with variables resolved. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { resolve, type Scope } from "./expression";

/** A resource of a synthesized stack, a plan or a state. */
export interface Resource {
  /** `module.heartbeats.aws_sqs_queue.dead_letters`. */
  readonly address: string;
  /** The feature: `heartbeats`. Empty for the environment's own resources. */
  readonly module: string;
  readonly type: string;
  /** Its arguments. An unknown value is a template: `${module.heartbeats.aws_sqs_queue.dead_letters.arn}`. */
  readonly values: Readonly<Record<string, unknown>>;
}

const fieldsSchema = z.record(z.string(), z.unknown());
const stackSchema = z.looseObject({
  resource: z.record(z.string(), z.record(z.string(), fieldsSchema)).default({}),
  module: z.record(z.string(), z.looseObject({ source: z.string() })).default({}),
  output: z.record(z.string(), z.looseObject({ value: z.unknown() })).default({}),
});
type Stack = z.output<typeof stackSchema>;

/** @param directory `cdktf.out/stacks/staging` */
export async function readStackResources(directory: string): Promise<readonly Resource[]> {
  const root = await readStack(join(directory, "cdk.tf.json"));
  const calls = await Promise.all(
    Object.entries(root.module).map(async ([name, { source, ...inputs }]) => ({
      name,
      inputs,
      stack: await readStack(join(directory, source, "main.tf.json")),
    })),
  );
  const modules = calls.map(({ name, inputs, stack }) => {
    const variables = fieldsSchema.parse(resolve(inputs, { lookup: () => undefined }));
    const scope: Scope = {
      prefix: `module.${name}.`,
      lookup: (reference) => at(variables, reference.replace(/^var\./, ""), reference.startsWith("var.")),
    };
    return { name, scope, stack };
  });
  const rootScope: Scope = {
    lookup: (reference) => {
      const [, name = "", output = ""] = /^module\.([\w-]+)\.([\w-]+)$/.exec(reference) ?? [];
      const called = modules.find((module) => module.name === name);
      return called && resolve(called.stack.output[output]?.value, called.scope);
    },
  };
  return [
    ...resourcesOf(root, "", rootScope),
    ...modules.flatMap(({ name, scope, stack }) => resourcesOf(stack, name, scope)),
  ];
}

async function readStack(file: string): Promise<Stack> {
  return stackSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

function resourcesOf({ resource }: Stack, module: string, scope: Scope): readonly Resource[] {
  return Object.entries(resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, values]) => ({
      address: `${scope.prefix ?? ""}${type}.${name}`,
      module,
      type,
      values: fieldsSchema.parse(resolve(values, scope)),
    })),
  );
}

/** The value at `settings.size` of an object. */
function at(object: unknown, path: string, applies: boolean): unknown {
  if (!applies) return undefined;
  let value = object;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
