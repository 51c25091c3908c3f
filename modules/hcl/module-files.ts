/** Writes a module of Terraform's JSON syntax as files of HCL, one for each concern. */
import type { BlockTypes } from "./block-types";
import { canonicalJsonText } from "./json-text";
import { aligned, assignments, expressionOf, indented, jsonExpressionOf, literalOf } from "./expression";

/** The information that the module's JSON lacks. */
export interface ModuleLayout {
  /** The first line of each file. */
  readonly heading: string;
  /** Nested blocks by address, in the order in which the files have the resources: `aws_sqs_queue.dlq`, `data.aws_region.region`. */
  readonly blockTypes: ReadonlyMap<string, BlockTypes>;
  /** Comments by address, each a line above the block. */
  readonly comments: ReadonlyMap<string, readonly string[]>;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * The files by name.
 *
 * @param module its JSON; each argument has the meaning that Terraform's JSON syntax gives it
 * @throws for what the module cannot have: provisioners, `count`
 */
export function moduleFiles(
  module: Body,
  { heading, blockTypes, comments }: ModuleLayout,
): Readonly<Record<string, string>> {
  const { "//": _, terraform, variable, output, resource, data, ...unknown } = module;
  rejectUnknown("the module", unknown);
  const files = new Map<string, string[]>();
  const add = (file: string, text: string) => files.set(file, [...(files.get(file) ?? [`# ${heading}`]), text]);
  add("versions.tf", terraformBlock(bodyOf(terraform)));
  for (const [name, body] of entriesOf(variable)) add("variables.tf", variableBlock(name, body));
  for (const [name, body] of entriesOf(output)) add("outputs.tf", outputBlock(name, body));
  for (const { file, text } of resourceBlocks({ resource, data }, blockTypes, comments)) add(file, text);
  return Object.fromEntries([...files].map(([name, texts]) => [name, `${texts.join("\n\n")}\n`]));
}

/** Resources and data sources as HCL, each with its file. Without comments: none has one. */
export function resourceBlocks(
  { resource, data }: { readonly resource: unknown; readonly data: unknown },
  blockTypes: ModuleLayout["blockTypes"],
  comments: ModuleLayout["comments"] = new Map(),
): readonly { readonly file: string; readonly text: string }[] {
  const order = [...blockTypes.keys()];
  return [...blocksOf("resource", resource), ...blocksOf("data", data)]
    .sort((one, other) => order.indexOf(one.address) - order.indexOf(other.address))
    .map(({ kind, type, name, address, body }) => ({
      file: kind === "data" ? "main.tf" : fileOf(type, body),
      text: [
        ...(comments.get(address) ?? []).map((comment) => `# ${comment}`),
        resourceBlock(`${kind} "${type}" "${name}"`, body, blockTypes.get(address) ?? {}),
      ].join("\n"),
    }));
}

interface Block {
  readonly kind: "resource" | "data";
  readonly type: string;
  readonly name: string;
  readonly address: string;
  readonly body: Body;
}

function blocksOf(kind: Block["kind"], byType: unknown): readonly Block[] {
  return entriesOf(byType).flatMap(([type, named]) =>
    entriesOf(named).map(([name, body]) => {
      const address = `${kind === "data" ? "data." : ""}${type}.${name}`;
      return { kind, type, name, address, body };
    }),
  );
}

/** The file of a resource, by what a reader looks for. */
const FILES: readonly (readonly [pattern: RegExp, file: string])[] = [
  [/^aws_api_gateway_/, "api.tf"],
  [/^aws_cloudwatch_metric_alarm$/, "alarms.tf"],
  [/^aws_cloudwatch_event_/, "events.tf"],
  [/^aws_cloudfront_/, "cdn.tf"],
  [/^aws_(dynamodb|s3)_/, "storage.tf"],
  [/^aws_glue_/, "catalog.tf"],
  [/^aws_iam_/, "iam.tf"],
  [/^aws_lambda_/, "functions.tf"],
  [/^aws_sfn_/, "state-machines.tf"],
  [/^aws_sqs_/, "queues.tf"],
];

function fileOf(type: string, body: Body): string {
  if (type === "aws_cloudwatch_log_group") return logsOf(String(body["name"]));
  if (type === "aws_s3_object" && "source" in body) return "functions.tf"; // a function's code
  return FILES.find(([pattern]) => pattern.test(type))?.[1] ?? "main.tf";
}

/** Logs are with what writes them. */
function logsOf(name: string): string {
  if (name.startsWith("/aws/apigateway/")) return "api.tf";
  return name.startsWith("/aws/vendedlogs/states/") ? "state-machines.tf" : "functions.tf";
}

function terraformBlock({ required_version: version, required_providers: providers, ...unknown }: Body): string {
  rejectUnknown("terraform", unknown);
  return block("terraform", [
    `required_version = ${literalOf(version)}`,
    block("required_providers", [assignments(bodyOf(providers))]),
  ]);
}

function variableBlock(name: string, body: Body): string {
  const { type, description, default: initial, nullable, validation, ...unknown } = body;
  rejectUnknown(`variable ${name}`, unknown);
  const attributes = aligned([
    ...attribute("description", description, literalOf),
    ...attribute("type", type, String), // a type constraint, not a value
    ...attribute("default", initial, literalOf),
    ...attribute("nullable", nullable, literalOf),
  ]);
  const validations = bodiesOf(validation).map((each) => block("validation", [assignments(each)]));
  return block(`variable "${name}"`, [attributes, ...validations]);
}

function outputBlock(name: string, { description, value, ...unknown }: Body): string {
  rejectUnknown(`output ${name}`, unknown);
  return block(`output "${name}"`, [
    aligned([...attribute("description", description, literalOf), ...attribute("value", value, expressionOf)]),
  ]);
}

function attribute(name: string, value: unknown, write: (value: unknown) => string) {
  return value === undefined || value === null ? [] : [{ name, text: write(value) }];
}

/** Arguments that Terraform itself reads; those that Almanac does not use are refused, rather than taken for the provider's. */
const REFUSED_ARGUMENTS = ["count", "for_each", "provider", "provisioner", "connection", "dynamic"];
const LIFECYCLE_ARGUMENTS = new Set(["prevent_destroy", "create_before_destroy", "ignore_changes"]);

/** By what they are made of: environments share most of their resources. */
const rendered = new Map<string, string>();

function resourceBlock(header: string, body: Body, types: BlockTypes): string {
  const key = JSON.stringify([header, body, types]);
  const known = rendered.get(key) ?? renderResource(header, body, types);
  rendered.set(key, known);
  return known;
}

function renderResource(header: string, body: Body, types: BlockTypes): string {
  const { "//": _, depends_on: dependencies, lifecycle, ...own } = body;
  for (const name of REFUSED_ARGUMENTS) if (name in own) throw new Error(`${header}: ${name} is not supported`);
  return block(header, [
    ...argumentsOf(own, types),
    ...lifecycleOf(header, bodyOf(lifecycle)),
    ...(dependencies === undefined ? [] : [`depends_on = ${addressesOf(dependencies)}`]),
  ]);
}

function lifecycleOf(header: string, body: Body): readonly string[] {
  const names = Object.keys(body);
  rejectUnknown(header, Object.fromEntries(names.filter((name) => !LIFECYCLE_ARGUMENTS.has(name)).map((n) => [n, n])));
  const lines = names.map((name) => ({
    name,
    text: name === "ignore_changes" ? addressesOf(body[name]) : expressionOf(body[name]),
  }));
  return lines.length === 0 ? [] : [block("lifecycle", [aligned(lines)])];
}

/** Addresses are written as they are: strings in JSON, traversals in HCL. */
function addressesOf(value: unknown): string {
  const addresses = [value].flat().map(String);
  return addresses.length < 2
    ? `[${addresses.join("")}]`
    : `[\n${indented(addresses.map((each) => `${each},`).join("\n"))}\n]`;
}

/** Attributes, then nested blocks. */
function argumentsOf(body: Body, types: BlockTypes): readonly string[] {
  const given = Object.entries(body).filter(([, value]) => value !== undefined && value !== null);
  const attributes = given
    .filter(([name]) => !(name in types))
    .map(([name, value]) => ({ name, text: attributeText(name, value) }));
  const blocks = given
    .filter(([name]) => name in types)
    .flatMap(([name, value]) => bodiesOf(value).map((each) => block(name, argumentsOf(each, types[name] ?? {}))));
  return [...(attributes.length === 0 ? [] : [aligned(attributes)]), ...blocks];
}

/** Attributes that AWS reads as JSON. Other JSON, such as an object's content, has to stay as it is to the byte. */
const JSON_ATTRIBUTES = new Set([
  "assume_role_policy",
  "definition",
  "event_pattern",
  "input",
  "policy",
  "redrive_policy",
]);

/**
 * The resources of a module with the JSON in their attributes as `jsonencode` writes it, so that a plan of the JSON has the values of a plan
 * of the HCL.
 */
export function canonicalResources(value: unknown, name = ""): unknown {
  if (typeof value === "string") return JSON_ATTRIBUTES.has(name) ? canonicalJsonText(value) : value;
  if (Array.isArray(value)) return value.map((item) => canonicalResources(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonicalResources(item, key)]));
}

function attributeText(name: string, value: unknown): string {
  return typeof value === "string" && JSON_ATTRIBUTES.has(name) ? jsonExpressionOf(value) : expressionOf(value);
}

/** A block of these parts, an empty line between them. */
function block(header: string, parts: readonly string[]): string {
  return parts.length === 0 ? `${header} {}` : `${header} {\n${indented(parts.join("\n\n"))}\n}`;
}

function rejectUnknown(where: string, unknown: Body): void {
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw new Error(`${where}: ${name} is not supported`);
}

function bodyOf(value: unknown): Body {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** One block, or several of one name. */
function bodiesOf(value: unknown): readonly Body[] {
  return value === undefined || value === null ? [] : [value].flat().map(bodyOf);
}

function entriesOf(value: unknown): readonly (readonly [string, Body])[] {
  return Object.entries(bodyOf(value)).map(([name, body]) => [name, bodyOf(body)] as const);
}
