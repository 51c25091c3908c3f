/** The types that AWS' SDK declares for its parameters, with the values of texts, which its descriptions lack. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";

/** Of a service: `runTask` is `RunTaskRequest`, `RunTaskRequest.launchType` is `LaunchType`, and `LaunchType` is `"EC2"|"FARGATE"|string`. */
export type SdkTypes = ReadonlyMap<string, string>;

const FOLDER = resolve("node_modules/aws-sdk");

const LINE =
  /^ {2}(?:export interface (\w+) \{|export type (\w+) = (.*);|(\w+)\(params: \w+\.Types\.(\w+),.*)$|^ {4}(\w+)\??: (\w+);$/gm;

const servicesSchema = z.record(z.string(), z.looseObject({ name: z.string(), prefix: z.string().optional() }));

/** @param prefix of the name of its description: `ecs` */
export function sdkTypesOf(prefix: string): SdkTypes {
  const services = servicesSchema.parse(JSON.parse(readFileSync(join(FOLDER, "apis/metadata.json"), "utf8")));
  const [, { name } = { name: prefix }] =
    Object.entries(services).find(([key, service]) => (service.prefix ?? key) === prefix) ?? [];
  const file = join(FOLDER, "clients", `${name.toLowerCase()}.d.ts`);
  const found = new Map<string, string>();
  let structure = "";
  for (const match of existsSync(file) ? readFileSync(file, "utf8").matchAll(LINE) : []) {
    const [, opened, alias = "", definition = "", call = "", input = "", field = "", type = ""] = match;
    if (opened !== undefined) structure = opened;
    else if (alias !== "") found.set(alias, definition);
    else if (call !== "") found.set(call, input);
    else found.set(`${structure}.${field}`, type);
  }
  return found;
}

/** Of a list's items, or of a map's values. */
export function itemTypeOf(type: string, types: SdkTypes): string {
  return /^(?:\{\[key: string\]: )?(\w+)(?:\[\]|\})$/.exec(types.get(type) ?? "")?.[1] ?? "";
}

/** A longer list, of languages or sizes, gets more. */
const MAX_VALUES = 30;

/** Empty where it is not known that there are no others. */
export function valuesOf(type: string, types: SdkTypes): readonly string[] {
  const values = [...(types.get(type) ?? "").matchAll(/"([^"]*)"\|/g)].map(([, value = ""]) => value);
  return values.length > MAX_VALUES ? [] : values;
}
