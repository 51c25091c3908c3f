/**
 * Calls of AWS' SDK (`aws-sdk:s3:getObject`), against the SDK's own descriptions of its services. AWS has got services, actions, parameters and
 * values since: an unknown one is refused when it resembles a known one, as misspelt ones do, is written as no known value is, or is a parameter of an integrated call.
 */
import { existsSync, openSync, readdirSync, readFileSync, readSync, closeSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import * as z from "zod";
import { nearest } from "../constructs/nearest";
import { resultOf } from "./expressions";
import { itemTypeOf, sdkTypesOf, valuesOf, type SdkTypes } from "./sdk-types";
import { EXPRESSION, isLiteral, isRecord, type Fields } from "./values";

/**
 * @param given the parameters. Undefined when they are not known before the execution
 * @param isIntegrated of an integrated call, which has no parameter that the description does not have
 */
export function sdkFaults(service: string, action: string, given?: Fields, isIntegrated = false): string[] {
  files ??= filesByService();
  if (files.size === 0) return [];
  const found = files.get(service);
  if (found === undefined) {
    const meant = ALIASES[service] ?? nearest(service, [...files.keys()]);
    return meant === undefined ? [] : [`calls aws-sdk:${service}, which is not a service: aws-sdk:${meant}`];
  }
  const model = modelOf(found);
  const operation = model.operations[capitalized(action)];
  const call = `${isIntegrated ? "" : "aws-sdk:"}${service}:${action}`;
  if (operation === undefined) {
    const meant = nearest(action, Object.keys(model.operations).map(uncapitalized));
    return meant === undefined
      ? []
      : [`calls ${call}, which is not an action of the service: aws-sdk:${service}:${meant}`];
  }
  if (given === undefined) return [];
  const { shapes } = model;
  const types = typesOf(found);
  const at = { place: call, type: types.get(action) ?? "", shapes, types, isIntegrated };
  return structureFaults(given, shapeOf(operation.input ?? {}, shapes), at);
}

/** Of the fields that are read of a call's result: AWS begins them with a capital, and JavaScript's SDK does not all of them. */
export function sdkResultFaults(service: string, action: string, fields: Iterable<string>): string[] {
  files ??= filesByService();
  const file = files.get(service);
  if (file === undefined) return [];
  const { operations, shapes } = modelOf(file);
  const { output } = operations[capitalized(action)] ?? {};
  if (output === undefined) return [];
  const spellings = Object.keys(shapeOf(output, shapes).members).flatMap(spellingsOf);
  return [...fields].flatMap((field) => {
    const meant = spellings.includes(field) ? undefined : spellings.find((each) => plain(each) === plain(field));
    return meant === undefined ? [] : [`has ${field} of the result of ${service}:${action}, which is ${meant}`];
  });
}

/** The prefixes that a service has in the names of endpoints and signatures: one of them, or its own name, is that of its IAM actions. */
export function prefixesOf(service: string): readonly string[] {
  files ??= filesByService();
  const file = files.get(service);
  if (file === undefined) return [];
  const { endpointPrefix, signingName = endpointPrefix } = modelOf(file).metadata;
  return [signingName, endpointPrefix];
}

/** The names that others than Step Functions have for services. */
const ALIASES: Readonly<Record<string, string>> = {
  cognitoidp: "cognitoidentityprovider",
  configservice: "config",
  databasemigrationservice: "databasemigration",
  directoryservice: "directory",
  elb: "elasticloadbalancing",
  elbv2: "elasticloadbalancingv2",
  email: "ses",
  events: "eventbridge",
  logs: "cloudwatchlogs",
  monitoring: "cloudwatch",
  states: "sfn",
  stepfunctions: "sfn",
};

interface Place {
  /** The call, or the parameter's path in it. */
  readonly place: string;
  /** Its name in `types`. */
  readonly type: string;
  readonly shapes: Model["shapes"];
  readonly types: SdkTypes;
  /** Whether every other name is refused, not only those that resemble a known one. */
  readonly isIntegrated: boolean;
}

function structureFaults(given: Fields, { required, members }: Shape, { isIntegrated, ...at }: Place): string[] {
  const byName = new Map(
    Object.keys(members).flatMap((name) => spellingsOf(name).map((each) => [each, name] as const)),
  );
  const values = new Map(Object.entries(given).map(([name, value]) => [name.replace(/\.\$$/, ""), { name, value }]));
  // Step Functions fills in what makes a request idempotent.
  const needed = required.filter((name) => members[name]?.["idempotencyToken"] !== true);
  const lacking = needed.filter((name) => !spellingsOf(name).some((each) => values.has(each)));
  return [
    ...lacking.map((name) => `has no ${capitalized(name)} for ${at.place}`),
    ...[...values].flatMap(([known, { name, value }]) => {
      const member = byName.get(known);
      if (member === undefined) {
        const meant = nearest(known, [...byName.keys()]);
        return isIntegrated || meant !== undefined ? [`has ${known} for ${at.place}, which does not take it`] : [];
      }
      const shape = shapeOf(members[member] ?? {}, at.shapes);
      const type = at.types.get(`${at.type}.${member}`) ?? "";
      return name === known ? valueFaults(value, shape, { ...at, place: `${at.place}.${known}`, type }) : [];
    }),
  ];
}

/** The letters of types that an expression for a shape can have. A null is as if nothing was given. */
const EXPRESSION_TYPES: Readonly<Record<string, string>> = {
  structure: "o",
  list: "a",
  map: "o",
  boolean: "bs",
  integer: "ns",
  long: "ns",
  float: "ns",
  double: "ns",
  timestamp: "ns",
  string: "sao",
};

/** Text is taken for the number or the Boolean that it is, and what is a text may be given as an object or a list, but not as a number. */
function valueFaults(written: unknown, shape: Shape, at: Omit<Place, "isIntegrated">): string[] {
  const [text, expression] = typeof written === "string" ? (EXPRESSION.exec(written) ?? []) : [];
  const { type, value: constant } = expression === undefined ? { type: "?" } : resultOf(expression);
  const types = shape.document === true ? undefined : EXPRESSION_TYPES[shape.type];
  if (types !== undefined && !`?l${types}`.includes(type))
    return [`has ${at.place} ${text}, which is no ${shape.type}`];
  const value = constant ?? written;
  if (typeof value === "string" && !isLiteral(value)) return [];
  const fault = [`has ${at.place} ${JSON.stringify(value).slice(0, 50)}, which is no ${shape.type}`];
  const ofItems = { ...at, type: itemTypeOf(at.type, at.types) };
  switch (shape.type) {
    case "structure":
      if (shape.document === true) return [];
      return isRecord(value) ? structureFaults(value, shape, { ...at, isIntegrated: false }) : fault;
    case "list":
      return Array.isArray(value)
        ? value.flatMap((each: unknown) => valueFaults(each, shapeOf(shape.member ?? {}, at.shapes), ofItems))
        : fault;
    case "map":
      return isRecord(value)
        ? Object.entries(value).flatMap(([name, each]) =>
            name.endsWith(".$") ? [] : valueFaults(each, shapeOf(shape.value ?? {}, at.shapes), ofItems),
          )
        : fault;
    case "boolean":
      return /^(true|false)$/.test(String(value)) ? [] : fault;
    case "integer":
    case "long":
    case "float":
    case "double":
      return ["string", "number"].includes(typeof value) && Number.isFinite(Number(value)) ? [] : fault;
    case "timestamp":
      return typeof value === "string" && Number.isNaN(Date.parse(value)) && Number.isNaN(Number(value)) ? fault : [];
    case "string":
      if (typeof value === "number" || typeof value === "boolean") return fault;
      if (typeof value === "string") return textFaults(value, at);
      return typeof value === "object" && value !== null && isName(at) ? fault : [];
    default:
      return [];
  }
}

/** A text that no JSON of an object or a list can be. CloudControl's identifiers can. */
function isName({ place, type, types }: Omit<Place, "isIntegrated">): boolean {
  return NAME.test(place) ? !place.includes("cloudcontrol:") : valuesOf(type, types).length > 0;
}

const NAME = /(?:Arn|Bucket|Id|Identifier|Name|Qualifier|Subject|Url)$/;

/**
 * Of a text that resembles a known value, and of one that differs from it by its punctuation and its case only. A short one may be a newer code,
 * and one with a digit a newer version or size.
 */
function textFaults(value: string, { place, type, types }: Omit<Place, "isIntegrated">): string[] {
  const known = valuesOf(type, types);
  if (known.includes(value)) return [];
  const same = known.find((each) => plain(each) === plain(value));
  const meant = same ?? (value.length < 3 || /\d/.test(value) ? undefined : nearest(value, known));
  const isOfOtherStyle = STYLES.some((style) => !style.test(value) && known.every((each) => style.test(each)));
  if (meant === undefined && known.length > 1 && isOfOtherStyle)
    return [`has ${place} ${value}, which is none of its values: ${known.join(", ")}`];
  return meant === undefined ? [] : [`has ${place} ${value}, which is none of its values: ${meant}`];
}

/** How AWS writes all values of a type. */
const STYLES = [/^[A-Z\d_]+$/, /^[a-z\d-]+$/, /^[A-Z][A-Z\d]*[a-z][A-Za-z\d]*$/];

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z\d]/g, "");

/** As AWS has it, with a capital, and as the SDK for Java has it: `DBInstanceId` and `DbInstanceId`. */
function spellingsOf(name: string): readonly string[] {
  const capital = capitalized(name);
  const java = capital.replace(/[A-Z]+(?=[A-Z][a-z]|\d|$)/g, (word) => capitalized(word.toLowerCase()));
  return [capital, java];
}

const referenceSchema = z.looseObject({ shape: z.string().optional() });

const shapeSchema = z.looseObject({
  type: z.string().default("string"),
  required: z.array(z.string()).default([]),
  members: z.record(z.string(), referenceSchema).default({}),
  member: referenceSchema.optional(),
  value: referenceSchema.optional(),
  /** Any JSON. */
  document: z.boolean().optional(),
});
type Shape = z.output<typeof shapeSchema>;

const operationSchema = z.looseObject({ input: referenceSchema.optional(), output: referenceSchema.optional() });

const modelSchema = z.looseObject({
  metadata: z.looseObject({ endpointPrefix: z.string(), signingName: z.string().optional() }),
  operations: z.record(z.string(), operationSchema),
  shapes: z.record(z.string(), z.unknown()).default({}),
});
type Model = z.output<typeof modelSchema>;

/** In its place, or by its name. */
function shapeOf(reference: z.output<typeof referenceSchema>, shapes: Model["shapes"]): Shape {
  return shapeSchema.parse(reference.shape === undefined ? reference : shapes[reference.shape]);
}

const FOLDER = "node_modules/aws-sdk/apis";
let files: ReadonlyMap<string, string> | undefined;
const models = new Map<string, Model>();

function modelOf(file: string): Model {
  const known = models.get(file) ?? modelSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  models.set(file, known);
  return known;
}

const typesByFile = new Map<string, SdkTypes>();

function typesOf(file: string): SdkTypes {
  // `ecs-2014-11-13.min.json`
  const known = typesByFile.get(file) ?? sdkTypesOf(basename(file).replace(/-\d{4}-.*$/, ""));
  typesByFile.set(file, known);
  return known;
}

/**
 * The newest description of each service. Its id is near the beginning: Step Functions has it as the SDK for Java has it, in small letters,
 * without spaces and without "Service" at the end.
 */
function filesByService(): ReadonlyMap<string, string> {
  const folder = resolve(FOLDER);
  const found = new Map<string, string>();
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const each of names.filter((name) => name.endsWith(".min.json"))) {
    const file = join(folder, each);
    const [, id] = /"serviceId": *"([^"]+)"/.exec(startOf(file)) ?? [];
    const name = id?.toLowerCase().replace(/[^a-z\d]|service$/g, "");
    if (name !== undefined) found.set(name, file);
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
