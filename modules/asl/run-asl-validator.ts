/** asl-validator's faults of a machine, which is rewritten for it: it finds fields by their names anywhere, also in data. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import * as z from "zod";
import type { Machine, State } from "./machine";
import { EXPRESSION, isRecord, isToken, type Fields } from "./values";

const ANY_JSON = new Set(["Output", "Arguments"]);

/** Also any JSON, but objects by definition or checked here. asl-validator takes no empty texts in them. */
const TEMPLATES = new Set([...ANY_JSON, "Assign", "ItemSelector", "Items", "BatchInput"]);

function withoutEmptyTexts(value: unknown): unknown {
  if (value === "") return "-";
  if (Array.isArray(value)) return value.map(withoutEmptyTexts);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, withoutEmptyTexts(child)]));
}

const ANY_PLACE = "arn:aws:states:::s3:putObject";

/** In place of a resource that Terraform knows, and of one of a partition that asl-validator does not know. */
const ANY_FUNCTION = "arn:aws:lambda:eu-central-1:000000000000:function:any";

/** Step Functions takes `$.[0]` for `$[0]`, and in a filter the input for what is filtered: `[?(@.id == $.id)]`. */
function withPlainPaths(path: string): string {
  return path
    .replace(/\$\{[^}]*\}/g, "1")
    .replaceAll(".[", "[")
    .replace(/\[\?\(.*?\)\]/g, (filter) => filter.replace(/\$[\w.]*/g, "1"));
}

/** Names of fields that it looks for anywhere, and takes states and data of the same names for. */
const SOUGHT = new Set(
  "Branches Default ItemProcessor ItemSelector Iterator Next Parameters ResultSelector StartAt States".split(" "),
);

/** Another one for a state or a field of data. */
const distinctName = (name: string): string => (SOUGHT.has(name.replace(/\.\$$/, "")) ? `_${name}` : name);

/** Fields of states, and of the objects in them, whose values are data. */
const DATA = new Set(
  "Arguments Assign BatchInput ItemSelector Items Output Parameters Result ResultSelector".split(" "),
);

/** The same machine, in which none of its states and data is called as a field that asl-validator looks for. */
function distinct({ StartAt, States, ...fields }: Machine): Fields {
  const states = Object.entries(States).map(([name, state]) => [distinctName(name), distinctState(state)]);
  return { ...fields, StartAt: distinctName(StartAt), States: Object.fromEntries(states) as unknown };
}

function distinctState({ Branches, ItemProcessor, Iterator, ...fields }: State): Fields {
  return {
    ...distinctFields(fields),
    ...(Branches && { Branches: Branches.map(distinct) }),
    ...(ItemProcessor && { ItemProcessor: distinct(ItemProcessor) }),
    ...(Iterator && { Iterator: distinct(Iterator) }),
  };
}

/** Of a state, a rule, a handler or a setting. */
function distinctFields(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, unknown] => {
      if (DATA.has(name)) return [name, distinctData(value)];
      if (name === "Next" || name === "Default") return [name, typeof value === "string" ? distinctName(value) : value];
      // It requires a place, which a WriterConfig does not need.
      const all = name === "ResultWriter" && isRecord(value) ? { Resource: ANY_PLACE, ...value } : value;
      if (Array.isArray(all)) return [name, all.map((each: unknown) => (isRecord(each) ? distinctFields(each) : each))];
      return [name, isRecord(all) ? distinctFields(all) : all];
    }),
  );
}

function distinctData(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(distinctData);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [distinctName(name), distinctData(child)]));
}

/** By definition: environments share most of theirs, and asl-validator takes a tenth of a second. */
const checked = new Map<string, readonly string[]>();

/** asl-validator's faults. It changes what it is given, and knows no tokens of Terraform. */
export function aslFaults(machine: Machine): readonly string[] {
  const definition = JSON.stringify(distinct(machine), (name, value: unknown) => {
    if (typeof value === "number" && isToken(value)) return 1;
    // Any JSON is an output or an argument. asl-validator takes objects and expressions only.
    if (ANY_JSON.has(name) && !isRecord(value) && !EXPRESSION.test(String(value))) return {};
    if (TEMPLATES.has(name) && typeof value === "object") return withoutEmptyTexts(value);
    if (typeof value !== "string") return value;
    if (name === "Resource" && (value.includes("${") || /^arn:aws-(?!cn:|us-gov:)/.test(value))) return ANY_FUNCTION;
    if (/^(\$|States\.)/.test(value)) return withPlainPaths(value);
    // Its expressions have one line, and spaces within their delimiters.
    return value
      .replace(/\$\{[^}]*\}/g, "1")
      .replace(EXPRESSION, (_, expression: string) => `{% ${expression.replace(/[\r\n]+/g, " ").trim()} %}`);
  });
  const known = checked.get(definition);
  if (known !== undefined) return known;
  const faults = faultsOf(definition);
  checked.set(definition, faults);
  return faults;
}

const resultSchema = z.object({
  errors: z.array(z.object({ Message: z.string().optional(), "Error code": z.string() })),
});

/** Loads the validator only for a definition that is new: it compiles its schemas in each process. */
function faultsOf(definition: string): readonly string[] {
  validate ??= loadValidator();
  const { errors } = resultSchema.parse(validate(JSON.parse(definition)));
  return errors.map((error) => error.Message ?? error["Error code"]);
}

let validate: ((definition: unknown) => unknown) | undefined;

/** asl-validator compiles all its schemas for each machine, which takes a fifth of a second. Here it compiles them once. */
function loadValidator(): (definition: unknown) => unknown {
  // From the project: bundled code, as that of the simulations, has no file of its own.
  const load = createRequire(resolve("package.json"));
  const loaded: unknown = load("asl-validator");
  const ajv: unknown = createRequire(load.resolve("asl-validator"))("ajv");
  if (typeof loaded !== "function") throw new TypeError("asl-validator is no function");
  if (typeof ajv !== "function" || !("default" in ajv) || typeof ajv.default !== "function")
    throw new TypeError("asl-validator does not use ajv as it did");
  const Ajv = ajv.default;
  let compiled: unknown;
  const once = function (options: object): unknown {
    // A third of the time is ajv's optimization of code that runs for milliseconds.
    if (compiled === undefined) compiled = Reflect.construct(Ajv, [{ ...options, code: { optimize: false } }]);
    // The keywords of its formats, which ajv refuses to get twice.
    else Object.assign(Object(compiled) as object, { addKeyword: () => compiled });
    return compiled;
  };
  return (definition) => {
    Object.assign(ajv, { default: once });
    try {
      const result: unknown = Reflect.apply(loaded, undefined, [definition]);
      return result;
    } finally {
      Object.assign(ajv, { default: Ajv });
    }
  };
}
