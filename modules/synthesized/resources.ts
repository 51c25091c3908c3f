/** The resources of a synthesized stack and its modules, with variables resolved. */
import * as z from "zod";
import { resolve, type Lookup, type Scope } from "./expression";

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
export const stackSchema = z.looseObject({
  resource: z.record(z.string(), z.record(z.string(), fieldsSchema)).default({}),
  module: z.record(z.string(), z.looseObject({ source: z.string() })).default({}),
  output: z.record(z.string(), z.looseObject({ value: z.unknown() })).default({}),
});
export type Stack = z.output<typeof stackSchema>;

/**
 * @param moduleOf a module by its name
 * @param data values of data sources: `data.aws_region.region.name`. @default all unknown
 */
export function resourcesOf(
  root: Stack,
  moduleOf: (name: string, source: string) => Stack,
  data: Lookup = () => undefined,
): readonly Resource[] {
  const modules = Object.entries(root.module).map(([name, { source, ...inputs }]) => {
    const variables = fieldsSchema.parse(resolve(inputs, { lookup: data }));
    const scope: Scope = {
      prefix: `module.${name}.`,
      lookup: (reference) =>
        reference.startsWith("var.") ? at(variables, reference.slice("var.".length)) : data(reference),
    };
    return { name, scope, stack: moduleOf(name, source) };
  });
  const rootScope: Scope = {
    lookup: (reference) => {
      const [, name = "", output = ""] = /^module\.([\w-]+)\.([\w-]+)$/.exec(reference) ?? [];
      const called = modules.find((module) => module.name === name);
      return called === undefined ? data(reference) : resolve(called.stack.output[output]?.value, called.scope);
    },
  };
  return [
    ...resourcesIn(root, "", rootScope),
    ...modules.flatMap(({ name, scope, stack }) => resourcesIn(stack, name, scope)),
  ];
}

function resourcesIn({ resource }: Stack, module: string, scope: Scope): readonly Resource[] {
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
function at(object: unknown, path: string): unknown {
  let value = object;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
