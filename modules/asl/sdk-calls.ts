/**
 * Calls of AWS' SDK (`aws-sdk:s3:getObject`), against the SDK's own descriptions of its services. AWS has got services, actions and parameters
 * since: an unknown one is refused when it resembles a known one, as misspelt ones do.
 */
import { existsSync, openSync, readdirSync, readFileSync, readSync, closeSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { nearest } from "../constructs/nearest";

/** @param names of the parameters that are given. Undefined when they are not known before the execution */
export function sdkFaults(service: string, action: string, names?: readonly string[]): string[] {
  files ??= filesByService();
  if (files.size === 0) return [];
  const found = files.get(service);
  if (found === undefined) {
    const meant = ALIASES[service] ?? nearest(service, [...files.keys()]);
    return meant === undefined ? [] : [`calls aws-sdk:${service}, which is not a service: aws-sdk:${meant}`];
  }
  const model = modelOf(found);
  const operation = model.operations[capitalized(action)];
  if (operation === undefined) {
    const call = `aws-sdk:${service}:${action}`;
    const meant = nearest(action, Object.keys(model.operations).map(uncapitalized));
    return meant === undefined
      ? []
      : [`calls ${call}, which is not an action of the service: aws-sdk:${service}:${meant}`];
  }
  return names === undefined ? [] : parameterFaults(`aws-sdk:${service}:${action}`, inputOf(operation, model), names);
}

/** The names that others than Step Functions have for services. */
const ALIASES: Readonly<Record<string, string>> = {
  cognitoidp: "cognitoidentityprovider",
  elb: "elasticloadbalancing",
  elbv2: "elasticloadbalancingv2",
  email: "ses",
  events: "eventbridge",
  logs: "cloudwatchlogs",
  monitoring: "cloudwatch",
  states: "sfn",
  stepfunctions: "sfn",
};

function parameterFaults(call: string, { required, members }: Input, names: readonly string[]): string[] {
  const known = Object.keys(members).map(capitalized);
  // Step Functions fills in what makes a request idempotent.
  const needed = required.filter((name) => members[name]?.idempotencyToken !== true).map(capitalized);
  return [
    ...needed.filter((name) => !names.includes(name)).map((name) => `has no ${name} for ${call}`),
    ...names
      .filter((name) => !known.includes(name))
      .flatMap((name) => {
        const meant = nearest(
          name.toLowerCase(),
          known.map((each) => each.toLowerCase()),
        );
        return meant === undefined ? [] : [`has ${name} for ${call}, which does not take it`];
      }),
  ];
}

const inputSchema = z.object({
  required: z.array(z.string()).default([]),
  members: z.record(z.string(), z.looseObject({ idempotencyToken: z.boolean().optional() })).default({}),
});
type Input = z.output<typeof inputSchema>;

const operationSchema = z.looseObject({ input: z.looseObject({ shape: z.string().optional() }).optional() });

const modelSchema = z.looseObject({
  operations: z.record(z.string(), operationSchema),
  shapes: z.record(z.string(), z.unknown()).default({}),
});
type Model = z.output<typeof modelSchema>;

function inputOf({ input = {} }: z.output<typeof operationSchema>, { shapes }: Model): Input {
  return inputSchema.parse(input.shape === undefined ? input : shapes[input.shape]);
}

const FOLDER = "node_modules/aws-sdk/apis";
let files: ReadonlyMap<string, string> | undefined;
const models = new Map<string, Model>();

function modelOf(file: string): Model {
  const known = models.get(file) ?? modelSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  models.set(file, known);
  return known;
}

/** The newest description of each service. Its id is near the beginning: Step Functions has it in small letters, without spaces. */
function filesByService(): ReadonlyMap<string, string> {
  const folder = resolve(FOLDER);
  const found = new Map<string, string>();
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const name of names.filter((each) => each.endsWith(".min.json"))) {
    const file = join(folder, name);
    const [, id] = /"serviceId": *"([^"]+)"/.exec(startOf(file)) ?? [];
    if (id !== undefined) found.set(id.toLowerCase().replace(/[^a-z\d]/g, ""), file);
  }
  return found;
}

const START_BYTES = 1_024;

function startOf(file: string): string {
  const buffer = Buffer.alloc(START_BYTES);
  const descriptor = openSync(file, "r");
  try {
    return buffer.toString("utf8", 0, readSync(descriptor, buffer));
  } finally {
    closeSync(descriptor);
  }
}

const capitalized = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1);
const uncapitalized = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);
