/**
 * Reads the rows in the text of a Query's response. JSON.parse makes an object of each attribute and takes three times as long, and the
 * dispatcher reads tens of thousands of rows a second.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import * as z from "zod";

import { parseJson } from "../../shared/input";
import { attributesOf, noAttributes, setDigits, setText, type Row, type TimerAttributes } from "./timer-row";

export interface QueryResponse {
  readonly rows: readonly TimerAttributes[];
  /** The LastEvaluatedKey; undefined on the last page. */
  readonly next: Readonly<Record<string, unknown>> | undefined;
}

const responseSchema = z.object({
  Items: z.array(z.custom<Row>((row) => typeof row === "object" && row !== null)),
  LastEvaluatedKey: z.record(z.string(), z.unknown()).optional(),
});

const ITEMS = '"Items":[';

/** @throws JsonSyntaxError for a response that is not JSON, ZodError for any other */
export function readQueryResponse(text: string): QueryResponse {
  // Quotes in strings are escaped: the first occurrence is the property.
  const property = text.indexOf(ITEMS);
  const start = property + ITEMS.length;
  const rows: TimerAttributes[] = [];
  const end = property < 0 ? UNEXPECTED : readRows(text, start, rows);
  // JSON that DynamoDB does not write: with white space.
  const isRead = end !== UNEXPECTED;
  const rest = responseSchema.parse(parseJson(isRead ? text.slice(0, start) + text.slice(end) : text));
  return { rows: isRead ? rows : rest.Items.map(attributesOf), next: rest.LastEvaluatedKey };
}

/** In place of an end: the text is not as DynamoDB writes it. */
const UNEXPECTED = -1;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];
const [STRING, NUMBER] = [0x53, 0x4e];

/** @param start after the opening bracket. @returns where the closing bracket is */
function readRows(text: string, start: number, rows: TimerAttributes[]): number {
  if (text.charCodeAt(start) === CLOSE_BRACKET) return start;
  const escaped: TimerAttributes[] = [];
  for (let at = start; ; at += 1) {
    const row = noAttributes();
    at = readRow(text, at, row, escaped);
    if (at === UNEXPECTED) return UNEXPECTED;
    rows.push(row);
    if (text.charCodeAt(at) === COMMA) continue;
    unescapeData(escaped);
    return text.charCodeAt(at) === CLOSE_BRACKET ? at : UNEXPECTED;
  }
}

/** All at once: most of a short text's JSON.parse is the call. */
function unescapeData(rows: readonly TimerAttributes[]): void {
  const texts = parseJson(`["${rows.map(({ data }) => data).join('","')}"]`) as readonly string[];
  for (const [index, row] of rows.entries()) row.data = texts[index];
}

/** @param escaped gets the row if its data has escapes. @returns where the row ends */
function readRow(text: string, start: number, row: TimerAttributes, escaped: TimerAttributes[]): number {
  let at = start;
  if (text.charCodeAt(at) !== OPEN_BRACE) return UNEXPECTED;
  do {
    // After a brace or a comma.
    if (text.charCodeAt(at + 1) !== QUOTE) return UNEXPECTED;
    const nameEnd = text.indexOf('"', at + 2);
    const name = text.slice(at + 2, nameEnd);
    if (!text.startsWith('":{"', nameEnd)) return UNEXPECTED;
    const type = text.charCodeAt(nameEnd + 4);
    if ((type === STRING || type === NUMBER) && text.startsWith('":"', nameEnd + 5)) {
      const from = nameEnd + 8;
      const to = stringEnd(text, from);
      if (to < 0 || text.charCodeAt(to + 1) !== CLOSE_BRACE) return UNEXPECTED;
      let value = text.slice(from, to);
      if (value.includes("\\")) {
        if (name === "data") escaped.push(row);
        else value = String(parseJson(`"${value}"`));
      }
      if (!(type === STRING ? setText(row, name, value) : setDigits(row, name, value))) {
        if (name.includes("\\")) return UNEXPECTED;
        row.others = { ...row.others, [name]: type === STRING ? { S: value } : { N: value } };
      }
      at = to + 2;
    } else {
      const to = valueEnd(text, nameEnd + 2);
      if (to < 0 || name.includes("\\")) return UNEXPECTED;
      row.others = { ...row.others, [name]: parseJson(text.slice(nameEnd + 2, to)) as AttributeValue };
      at = to;
    }
  } while (text.charCodeAt(at) === COMMA);
  return text.charCodeAt(at) === CLOSE_BRACE ? at + 1 : UNEXPECTED;
}

/** @param from after the opening quote. @returns where the closing one is, negative when there is none */
function stringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end > from && isEscaped(text, end, from)) end = text.indexOf('"', end + 1);
  return end;
}

/** Whether an odd number of backslashes precedes. */
function isEscaped(text: string, at: number, from: number): boolean {
  let first = at;
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

/** @param from where an object begins. @returns where it ends, negative when it does not */
function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = stringEnd(text, at + 1);
      if (at < 0) return UNEXPECTED;
    } else if (character === OPEN_BRACE || character === OPEN_BRACKET) depth += 1;
    else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return UNEXPECTED;
}
