/** Evaluates DynamoDB expressions, as far as our functions use them; anything else throws. */
import { isDeepStrictEqual } from "node:util";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Record<string, AttributeValue>;

/** The fields of a write request that are evaluated. */
export interface Request {
  readonly Item?: Item | undefined;
  readonly Key?: Item | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Item | undefined;
}

/**
 * Conditions and filters: `A AND (B OR C)` of `attribute_exists(a)`, `attribute_not_exists(a)`, `contains(a, b)` of text, `a IN (b, c)` and comparisons. Numbers
 * compare as numbers.
 */
export function holds(condition: string, item: Item, request: Request): boolean {
  return splitOutside(condition, " OR ").some((parts) =>
    splitOutside(parts, " AND ").every((part) => holdsPart(part, item, request)),
  );
}

function holdsPart(part: string, item: Item, request: Request): boolean {
  const [, inner] = /^\((.*)\)$/.exec(part) ?? [];
  if (inner !== undefined) return holds(inner, item, request);
  const [, present] = /^attribute_exists\((.+)\)$/.exec(part) ?? [];
  if (present !== undefined) return valueOf(present, item, request) !== undefined;
  if (part.startsWith("NOT ")) return !holdsPart(part.slice("NOT ".length), item, request);
  const [, typed, type] = /^attribute_type\((\S+), (\S+)\)$/.exec(part) ?? [];
  if (typed !== undefined && type !== undefined)
    return Object.keys(valueOf(typed, item, request) ?? {})[0] === valueOf(type, item, request)?.S;
  const [, container, contained] = /^contains\((\S+), (\S+)\)$/.exec(part) ?? [];
  if (container !== undefined && contained !== undefined)
    return valueOf(container, item, request)?.S?.includes(valueOf(contained, item, request)?.S ?? "") === true;
  const [, absent] = /^attribute_not_exists\((.+)\)$/.exec(part) ?? [];
  if (absent !== undefined) return valueOf(absent, item, request) === undefined;
  const [, one, list] = /^(\S+) IN \((.+)\)$/.exec(part) ?? [];
  if (one !== undefined && list !== undefined)
    return list.split(", ").some((other) => same(valueOf(one, item, request), valueOf(other, item, request)));
  const [, left = "", operator, right = ""] = /^(\S+) (=|<>|<=|<|>=|>) (\S+)$/.exec(part) ?? [];
  if (operator === undefined) throw new Error(`unsupported condition: ${part}`);
  const [a, b] = [valueOf(left, item, request), valueOf(right, item, request)];
  if (operator === "=" || operator === "<>") return same(a, b) === (operator === "=");
  const order = orderOf(a, b);
  if (order === undefined) return false;
  return operator.startsWith("<")
    ? order < 0 || (operator === "<=" && order === 0)
    : order > 0 || (operator === ">=" && order === 0);
}

/** Negative, zero or positive; undefined for unordered types. */
function orderOf(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N);
  if (a?.S !== undefined && b?.S !== undefined) return a.S < b.S ? -1 : Number(a.S > b.S);
  return undefined;
}

function same(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  // Clones have the same prototypes.
  return a !== undefined && isDeepStrictEqual(structuredClone(a), structuredClone(b));
}

/** Updates: `SET a = b, c[1] = f(d) REMOVE e`, or with `ADD n :number` or `ADD s :set`, or `DELETE s :set`. Mutates and returns the item. */
export function updated(item: Item, request: Request): Item {
  const [, set = "", remove = "", add = "", removed = ""] =
    /^(?:SET (.*?))? ?(?:REMOVE (.*?))? ?(?:ADD (.*?))? ?(?:DELETE (.*))?$/.exec(request.UpdateExpression ?? "") ?? [];
  const before = structuredClone(item);
  for (const assignment of set === "" ? [] : splitOutside(set)) {
    const [target = "", value = ""] = assignment.split(" = ");
    const [, name = "", index] = /^([^[]+)(?:\[(\d+)\])?$/.exec(target) ?? [];
    const found = valueOf(value, before, request);
    if (found === undefined) throw new Error(`${value} has no value`);
    const attribute = nameOf(name, request);
    if (index === undefined) item[attribute] = found;
    else {
      const list = [...(before[attribute]?.L ?? [])];
      list[Math.min(Number(index), list.length)] = found; // beyond its end, DynamoDB appends
      item[attribute] = { L: list };
    }
  }
  for (const [each, keep] of [
    [add, true],
    [removed, false],
  ] as const) {
    const [name = "", value = ""] = each.split(" ");
    if (name !== "") addOrDelete(item, nameOf(name, request), valueOf(value, before, request), keep);
  }
  for (const name of remove === "" ? [] : remove.split(", ")) Reflect.deleteProperty(item, nameOf(name, request));
  return item;
}

/** As DynamoDB: an empty set is no attribute. */
function addOrDelete(item: Item, attribute: string, value: AttributeValue | undefined, add: boolean): void {
  const present = item[attribute];
  if (add && value?.N !== undefined) {
    item[attribute] = { N: String(Number(present?.N ?? 0) + Number(value.N)) };
    return;
  }
  const [had, changed] = [present?.SS ?? [], value?.SS ?? []];
  const SS = add ? [...new Set([...had, ...changed])] : had.filter((each) => !changed.includes(each));
  if (SS.length > 0) item[attribute] = { SS };
  else Reflect.deleteProperty(item, attribute);
}

function valueOf(operand: string, item: Item, request: Request): AttributeValue | undefined {
  const [, augend, addend] = /^(.+) \+ (\S+)$/.exec(operand) ?? [];
  if (augend !== undefined && addend !== undefined)
    return { N: String(Number(valueOf(augend, item, request)?.N) + Number(valueOf(addend, item, request)?.N)) };
  if (operand.startsWith(":")) {
    const value = request.ExpressionAttributeValues?.[operand];
    if (value === undefined) throw new Error(`${operand} is not in ExpressionAttributeValues`);
    return value;
  }
  const [, call, inner = ""] = /^(\w+)\((.*)\)$/.exec(operand) ?? [];
  const [, list, index, field = ""] = /^([^[]+)\[(\d+)\](?:\.(.+))?$/.exec(operand) ?? [];
  if (list !== undefined) {
    const element = item[nameOf(list, request)]?.L?.[Number(index)];
    return field === "" ? element : element?.M?.[nameOf(field, request)];
  }
  if (call === undefined) return item[nameOf(operand, request)];
  const [first, second] = splitOutside(inner).map((each) => valueOf(each, item, request));
  if (call === "if_not_exists") return first ?? second;
  if (call === "list_append") return { L: [...(first?.L ?? []), ...(second?.L ?? [])] };
  throw new Error(`unsupported function: ${call}`);
}

function nameOf(name: string, { ExpressionAttributeNames = {} }: Request): string {
  if (!name.startsWith("#")) return name;
  const found = ExpressionAttributeNames[name];
  if (found === undefined) throw new Error(`${name} is not in ExpressionAttributeNames`);
  return found;
}

/** Splits at separators outside parentheses. */
function splitOutside(text: string, separator = ","): string[] {
  const parts: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = 0; at < text.length; at += 1) {
    depth += text[at] === "(" ? 1 : text[at] === ")" ? -1 : 0;
    if (depth > 0 || !text.startsWith(separator, at)) continue;
    parts.push(text.slice(begin, at));
    begin = at + separator.length;
  }
  return [...parts, text.slice(begin)].map((part) => part.trim());
}
