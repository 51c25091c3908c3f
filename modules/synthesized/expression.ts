/**
 * Evaluates the Terraform expressions of synthesized stacks without AWS: references that `lookup` knows, arithmetic, comparisons,
 * conditions, objects, indexes, `for` over an object, and the functions that the modules call. Other expressions stay as they are.
 */

import { splitTemplate } from "../hcl/template";

/** The value of `var.memory_mb` or `aws_sqs_queue.jobs.arn`; undefined when unknown. */
export type Lookup = (reference: string) => unknown;

export interface Scope {
  readonly lookup: Lookup;
  /** Prefix of resource references that stay unresolved: `module.heartbeats.`, to distinguish modules. */
  readonly prefix?: string;
}

/** Internal: a part of the expression is unknown. */
class UnknownPart extends Error {
  override readonly name = "UnknownPart";
}
/** One for all: a stack trace takes longer than an evaluation. */
const UNKNOWN_PART = new UnknownPart();

/** A value of Terraform's JSON syntax with its templates evaluated, at any depth. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (typeof value === "string") return resolveText(value, scope);
  if (Array.isArray(value)) return value.map((item: unknown) => resolve(item, scope));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item as unknown, scope)]));
  }
  return value;
}

/** Whether a value still contains an expression. */
export function isUnresolved(value: unknown): boolean {
  return typeof value === "string" && /(^|[^$])\$\{/.test(value);
}

function resolveText(text: string, scope: Scope): unknown {
  const parts = splitTemplate(text);
  const [only] = parts;
  // A template that is a single expression has its type: a number stays a number.
  if (parts.length === 1 && only?.kind === "expression") return evaluate(only.text, scope);
  return parts
    .map(({ kind, text: part }) => {
      if (kind === "literal") return part;
      const value = evaluate(part, scope);
      return typeof value === "string" ? value : JSON.stringify(value);
    })
    .join("");
}

/** The expression's value, or the expression as a template when it cannot be evaluated. */
function evaluate(expression: string, scope: Scope): unknown {
  try {
    return new Evaluation(expression, scope).run();
  } catch (error) {
    if (!(error instanceof UnknownPart)) throw error;
    return `\${${REFERENCE.test(expression) ? (scope.prefix ?? "") : ""}${expression}}`;
  }
}

/** Only an attribute of a resource or a module. */
const REFERENCE = /^(?!var\.|local\.|each\.|path\.)[a-zA-Z_][\w-]*(\.[\w-]+|\[[^\]]*\])+$/;

const TOKEN =
  /\s*(?:(\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|([a-zA-Z_][\w-]*(?:\.[\w-]+)*)|(==|=>|!=|<=|>=|&&|\|\||[-+*/%(){}[\].?:<>!=,]))/y;

interface Token {
  readonly kind: "number" | "string" | "word" | "sign";
  readonly text: string;
}

/** Environments have the expressions of their modules in common. */
const tokenized = new Map<string, readonly Token[]>();

function tokensOf(expression: string): readonly Token[] {
  const known = tokenized.get(expression);
  if (known !== undefined) return known;
  const tokens = tokenize(expression);
  tokenized.set(expression, tokens);
  return tokens;
}

function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const { length } = expression.trimEnd();
  while (TOKEN.lastIndex < length) {
    const match = TOKEN.exec(expression);
    if (match === null) throw UNKNOWN_PART;
    const [, number, text, word, sign] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (text !== undefined) tokens.push({ kind: "string", text });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else tokens.push({ kind: "sign", text: sign ?? "" });
  }
  return tokens;
}

/** By precedence, lowest first. */
const OPERATORS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["+", "-"],
  ["*", "/", "%"],
];

class Evaluation {
  readonly #tokens: readonly Token[];
  /** Values of the variables of `for`. */
  readonly #locals = new Map<string, unknown>();
  #at = 0;

  constructor(
    expression: string,
    private readonly scope: Scope,
  ) {
    this.#tokens = tokensOf(expression);
  }

  run(): unknown {
    const value = this.#condition();
    if (this.#at < this.#tokens.length) throw UNKNOWN_PART;
    return value;
  }

  #condition(): unknown {
    const test = this.#binary(0);
    if (!this.#take("?")) return test;
    const yes = this.#condition();
    if (!this.#take(":")) throw UNKNOWN_PART;
    const no = this.#condition();
    return test === true ? yes : no;
  }

  #binary(level: number): unknown {
    const operators = OPERATORS[level];
    if (operators === undefined) return this.#operand();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((each) => this.#take(each));
      if (operator === undefined) return left;
      left = combine(operator, left, this.#binary(level + 1));
    }
  }

  #operand(): unknown {
    if (this.#take("!")) return this.#operand() !== true;
    if (this.#take("-")) return -asNumber(this.#operand());
    if (this.#take("{")) return this.#object();
    if (this.#take("(")) {
      const value = this.#condition();
      if (!this.#take(")")) throw UNKNOWN_PART;
      return value;
    }
    const token = this.#tokens[this.#at++];
    switch (token?.kind) {
      case "number":
        return Number(token.text);
      case "string":
        return resolve(JSON.parse(`"${token.text}"`), this.scope);
      case "word":
        return this.#word(token.text);
      case "sign":
      case undefined:
        throw UNKNOWN_PART;
    }
  }

  #word(word: string): unknown {
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    if (this.#take("(")) return call(word, this.#arguments());
    const value = this.#locals.has(word) ? this.#locals.get(word) : this.scope.lookup(word);
    if (value === undefined) throw UNKNOWN_PART;
    return this.#index(value);
  }

  /** `["name"].field` after a value. */
  #index(value: unknown): unknown {
    for (;;) {
      let key: unknown;
      if (this.#take("[")) {
        key = this.#condition();
        if (!this.#take("]")) throw UNKNOWN_PART;
      } else if (this.#take(".")) key = this.#tokens[this.#at++]?.text;
      else return value;
      if (typeof value !== "object" || value === null) throw UNKNOWN_PART;
      value = (value as Readonly<Record<string, unknown>>)[String(key)];
      if (value === undefined) throw UNKNOWN_PART;
    }
  }

  #arguments(): unknown[] {
    const values: unknown[] = [];
    while (!this.#take(")")) {
      values.push(this.#condition());
      if (!this.#take(",") && !this.#sees(")")) throw UNKNOWN_PART;
    }
    return values;
  }

  #object(): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    if (this.#takeWord("for")) return this.#for();
    while (!this.#take("}")) {
      const key = this.#tokens[this.#at++]?.text ?? "";
      if (!this.#take("=") && !this.#take(":")) throw UNKNOWN_PART;
      entries.push([key, this.#condition()]);
      if (!this.#take(",") && !this.#sees("}")) throw UNKNOWN_PART;
    }
    return Object.fromEntries(entries);
  }

  /** `{ for key, value in <object> : <key> => <value> if <condition> }`, after `for`. */
  #for(): Record<string, unknown> {
    const key = this.#tokens[this.#at++]?.text ?? "";
    if (!this.#take(",")) throw UNKNOWN_PART;
    const value = this.#tokens[this.#at++]?.text ?? "";
    if (!this.#takeWord("in")) throw UNKNOWN_PART;
    const object = this.#condition();
    if (typeof object !== "object" || object === null || !this.#take(":")) throw UNKNOWN_PART;
    const entries: [string, unknown][] = [];
    const body = this.#at;
    for (const [name, item] of Object.entries(object)) {
      this.#at = body;
      this.#locals.set(key, name).set(value, item);
      const resultKey = this.#condition();
      if (!this.#take("=>")) throw UNKNOWN_PART;
      const result = this.#condition();
      if (this.#takeWord("if") && this.#condition() !== true) continue;
      entries.push([String(resultKey), result]);
    }
    if (!this.#take("}")) throw UNKNOWN_PART;
    return Object.fromEntries(entries);
  }

  #takeWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word" || token.text !== word) return false;
    this.#at += 1;
    return true;
  }

  #take(sign: string): boolean {
    if (!this.#sees(sign)) return false;
    this.#at += 1;
    return true;
  }

  #sees(sign: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === "sign" && token.text === sign;
  }
}

function call(name: string, values: readonly unknown[]): unknown {
  if (name === "concat" && values.every(Array.isArray)) return values.flat();
  if (name === "jsonencode" && values.length === 1) return JSON.stringify(values[0]);
  if (name === "min") return Math.min(...values.flat().map(asNumber));
  if (name === "replace") {
    const [text, from, to] = values.map(String);
    if (text !== undefined && from !== undefined && to !== undefined) return text.replaceAll(from, to);
  }
  throw UNKNOWN_PART;
}

function combine(operator: string, left: unknown, right: unknown): unknown {
  switch (operator) {
    case "||":
      return left === true || right === true;
    case "&&":
      return left === true && right === true;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return asNumber(left) < asNumber(right);
    case ">":
      return asNumber(left) > asNumber(right);
    case "<=":
      return asNumber(left) <= asNumber(right);
    case ">=":
      return asNumber(left) >= asNumber(right);
    case "+":
      return asNumber(left) + asNumber(right);
    case "-":
      return asNumber(left) - asNumber(right);
    case "*":
      return asNumber(left) * asNumber(right);
    case "/":
      return asNumber(left) / asNumber(right);
    default:
      return asNumber(left) % asNumber(right);
  }
}

function asNumber(value: unknown): number {
  const number = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) throw UNKNOWN_PART;
  return number;
}
