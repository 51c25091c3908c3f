/** The tables of docs/configuration.md: types, defaults and limits from the zod schemas, descriptions from their comments. */
import { resolve } from "node:path";
import ts from "typescript";
import * as z from "zod";
import { environmentSchema } from "../../../modules/environment";

export const CONFIGURATION_FILE = "docs/configuration.md";
/** Ends the prose of the document. */
const MARKER =
  "<!-- Generated from the schemas of modules/environment.ts and their comments. Written by: node scripts/launcher/dev.mjs docs -->";

const SOURCE = "modules/environment.ts";
const SCHEMA = "environmentSchema";

/** A field without a comment. */
export class UndocumentedFieldError extends Error {
  override readonly name = "UndocumentedFieldError";
}

/** An object of the configuration, at its path in main.ts: `heartbeats.targets[]`. */
interface Section {
  readonly path: string;
  readonly schema: z.ZodObject;
  readonly type: ts.Type;
}

/**
 * The document with current tables below its marker.
 * @throws UndocumentedFieldError
 */
export function withConfigurationTables(document: string): string {
  const [prose = "", ...generated] = document.split(MARKER);
  if (generated.length !== 1) throw new Error(`${CONFIGURATION_FILE} has no line ${MARKER}`);
  return `${prose}${MARKER}\n\n${configurationTables()}\n`;
}

/** One table for each object of an environment's configuration. */
function configurationTables(): string {
  const { checker, type } = outputType();
  const sections: Section[] = [{ path: "", schema: environmentSchema, type }];
  const tables: string[] = [];
  // A schema that several fields share, as targets and cron monitors share maintenance windows, has one section.
  const paths = new Map<z.ZodObject, string>();

  for (let section = sections.shift(); section; section = sections.shift()) {
    const nested: Section[] = [];
    const rows = Object.entries<z.core.$ZodType>(section.schema.shape).map(([name, field]) => {
      const path = section.path === "" ? name : `${section.path}.${name}`;
      const symbol = checker.getPropertyOfType(section.type, name);
      if (symbol === undefined) throw new UndocumentedFieldError(`${path} is not in the type of ${SCHEMA}`);
      const inner = innerObject(field);
      if (inner !== undefined && !paths.has(inner.schema)) {
        paths.set(inner.schema, path + inner.suffix);
        const innerType = contentType(checker, checker.getTypeOfSymbol(symbol), inner.suffix);
        nested.push({ path: path + inner.suffix, schema: inner.schema, type: innerType });
      }
      const { description, defaultText } = commentOf(checker, symbol, path);
      return [code(name), typeOf(field, paths), defaultOf(field) ?? defaultText, description];
    });
    sections.unshift(...nested);
    const heading = section.path === "" ? "An environment" : code(section.path);
    tables.push(`### ${heading}\n\n${markdownTable([["Field", "Type", "Default", "Description"], ...rows])}`);
  }
  return tables.join("\n\n");
}

/** The type of a parsed environment. Its properties lead the compiler to the comments above the schemas' fields. */
function outputType(): { readonly checker: ts.TypeChecker; readonly type: ts.Type } {
  const { options } = ts.getParsedCommandLineOfConfigFile("tsconfig.json", {}, PARSE_HOST) ?? { options: {} };
  const program = ts.createProgram([SOURCE], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(SOURCE);
  const module = source && checker.getSymbolAtLocation(source);
  const schema = module && checker.getExportsOfModule(module).find(({ name }) => name === SCHEMA);
  const output = schema && checker.getPropertyOfType(checker.getTypeOfSymbol(schema), "_output");
  if (output === undefined) throw new Error(`${SOURCE} exports no zod schema ${SCHEMA}`);
  return { checker, type: checker.getTypeOfSymbol(output) };
}

const PARSE_HOST: ts.ParseConfigFileHost = {
  ...ts.sys,
  getCurrentDirectory: () => resolve("."),
  onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
  },
};

/** The object type below a field of this type: itself, an array's element, a record's value, or the object of a union. */
function contentType(checker: ts.TypeChecker, type: ts.Type, suffix: string): ts.Type {
  const present = checker.getNonNullableType(type);
  const kind = suffix === "[]" ? ts.IndexKind.Number : ts.IndexKind.String;
  const content =
    suffix === "" ? present : checker.getNonNullableType(checker.getIndexTypeOfType(present, kind) ?? present);
  return content.isUnion() ? (content.types.find(({ flags }) => flags & ts.TypeFlags.Object) ?? content) : content;
}

function commentOf(checker: ts.TypeChecker, symbol: ts.Symbol, path: string) {
  const text = (parts: ts.SymbolDisplayPart[] | undefined) => ts.displayPartsToString(parts).replace(/\s+/g, " ");
  const description = text(symbol.getDocumentationComment(checker));
  if (description === "") throw new UndocumentedFieldError(`${path} has no comment in its schema`);
  const tag = symbol.getJsDocTags(checker).find(({ name }) => name === "default");
  const defaultText = tag ? text(tag.text) : "none";
  return { description, defaultText: defaultText.startsWith('"') ? code(defaultText) : defaultText };
}

/** The schema without optional, default, preprocess and transform. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.def.innerType);
  if (!(schema instanceof z.ZodPipe)) return schema;
  // A transform after a schema, or a preprocess before it.
  return unwrap(schema.def.out instanceof z.ZodTransform ? schema.def.in : schema.def.out);
}

/** The object schema that a field holds, and how its path continues: `[]` for arrays, `.<name>` for records. */
function innerObject(field: z.core.$ZodType): { readonly schema: z.ZodObject; readonly suffix: string } | undefined {
  const schema = unwrap(field);
  if (schema instanceof z.ZodArray) return objectIn(schema.element, "[]");
  if (schema instanceof z.ZodRecord) return objectIn(schema.valueType, ".<name>");
  return objectIn(schema, "");
}

function objectIn(schema: z.core.$ZodType, suffix: string) {
  const content = unwrap(schema);
  const options = content instanceof z.ZodUnion ? content.options : [content];
  const [object, ...others] = options.filter((option) => option instanceof z.ZodObject);
  // A choice between objects is described in prose.
  return object === undefined || others.length > 0 ? undefined : { schema: object, suffix };
}

/** A schema's type for people, with its limits: `integer, 1 to 100`. */
function typeOf(field: z.core.$ZodType, paths: ReadonlyMap<z.ZodObject, string>): string {
  const schema = unwrap(field);
  const format = formatOf(schema);
  if (schema instanceof z.ZodObject) return `[object](#${anchorOf(paths.get(schema) ?? "")})`;
  if (schema instanceof z.ZodUnion && format === undefined)
    return schema.options.map((option) => typeOf(option, paths)).join(" or ");
  if (schema instanceof z.ZodArray) return `list of: ${typeOf(schema.element, paths)}${limits(schema)}`;
  if (schema instanceof z.ZodRecord) {
    const value = unwrap(schema.valueType);
    if (value instanceof z.ZodUnknown) return "object";
    return `map: ${formatOf(unwrap(schema.keyType)) ?? "text"} → ${typeOf(value, paths)}`;
  }
  if (schema instanceof z.ZodEnum) return schema.options.map((value) => code(JSON.stringify(value))).join(", ");
  if (schema instanceof z.ZodLiteral) return [...schema.values].map((value) => code(JSON.stringify(value))).join(", ");
  if (schema instanceof z.ZodNumber)
    return (schema.format?.includes("int") === true ? "integer" : "number") + limits(schema);
  return (format ?? schema._zod.def.type) + (format === undefined ? limits(schema) : "");
}

/** The format that a schema's error message names: "is not an AWS region" is `an AWS region`. */
function formatOf(schema: z.core.$ZodType): string | undefined {
  if (schema instanceof z.ZodEmail) return "an email address";
  const messages = INVALID_SAMPLES.flatMap((sample) => z.safeParse(schema, sample).error?.issues ?? []);
  const [, format] = messages.map(({ message }) => /^is (?:not|neither) (.*)/.exec(message)).find(Boolean) ?? [];
  return format?.replace(" nor ", " or ");
}

/** One of them is invalid for each schema that has a format. */
const INVALID_SAMPLES = [true, "\0", "("];

/** `, 1 to 100`, `, at most 50`, or nothing. */
function limits(schema: z.core.$ZodType): string {
  const json = z.toJSONSchema(schema, { unrepresentable: "any" });
  const unit = json.type === "string" ? " characters" : "";
  const least = json.minimum ?? json.minItems ?? json.minLength;
  const most = json.maximum ?? json.maxItems ?? json.maxLength;
  if (typeof json.exclusiveMinimum === "number") {
    const above = `, above ${number(json.exclusiveMinimum)}`;
    return most === undefined ? above : `${above} to ${number(most)}`;
  }
  if (most === undefined || most === Number.MAX_SAFE_INTEGER)
    return least === undefined || (unit !== "" && least === 1) ? "" : `, at least ${number(least)}${unit}`;
  return least === undefined ? `, at most ${number(most)}${unit}` : `, ${number(least)} to ${number(most)}${unit}`;
}

/** The default as JSON; a required field is marked. Undefined: an optional field, whose comment describes the default. */
function defaultOf(field: z.core.$ZodType): string | undefined {
  if (field instanceof z.ZodOptional) return undefined;
  if (field instanceof z.ZodDefault || field instanceof z.ZodPrefault)
    return code(JSON.stringify(field.def.defaultValue));
  return "**required**";
}

const number = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: 3 });
const code = (text: string) => `\`${text}\``;

/** What GitHub makes of a section's heading. */
const anchorOf = (path: string) => path.toLowerCase().replace(/[^a-z0-9_-]/g, "");

/** Rows as a Markdown table, aligned as Prettier does it. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((text) => text.replaceAll("|", "\\|")));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
