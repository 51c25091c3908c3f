/** What a JSONata expression of Step Functions uses, and what is wrong with it. */
import parseJsonata from "jsonata";
import { constantOf } from "./constants";
import { fits, isFunction, returnType, takes } from "./jsonata-functions";
import { isJson } from "./values";

/** The properties of `$states` that a field can use. */
export type StatesProperty = "input" | "context" | "result" | "errorOutput";

export interface ExpressionUse {
  /** Variables of the machine that it requires: not those that it tests. */
  readonly variables: ReadonlySet<string>;
  /** Variables that it tests with `$exists()`: `$exists($n) ? $n + 1 : 0`. */
  readonly tested: ReadonlySet<string>;
  readonly states: ReadonlySet<string>;
  /** The fields of `$states.result` that it has. */
  readonly resultFields: ReadonlySet<string>;
  /** Whether it has the item of a Map. */
  readonly usesItem: boolean;
  /** Whether it has the token of a task. */
  readonly usesToken: boolean;
  /** Whether it has the context as a whole. */
  readonly usesContext: boolean;
  /** Functions that are its value, or in it, by name: a variable of the machine may have it. Those without a name are "". */
  readonly functions: readonly string[];
  readonly faults: readonly string[];
}

const PROPERTIES = new Set<string>(["input", "context", "result", "errorOutput"] satisfies StatesProperty[]);

/** The fields of each object of the context object. */
const CONTEXT = new Map(
  Object.entries({
    Execution: "Id Input Name RedriveCount RedriveTime RoleArn StartTime",
    State: "EnteredTime Name RetryCount",
    StateMachine: "Id Name",
    Task: "Token",
    Map: "Item",
  }).map(([name, fields]) => [name, fields.split(" ")]),
);

const ITEM = ["Index", "Key", "Source", "Value"];

/** @param path an empty name is one that is not known */
export function isInContext([object = "", field = "", part = ""]: readonly (string | undefined)[]): boolean {
  if (object === "") return true;
  const fields = CONTEXT.get(object);
  if (fields === undefined || (field !== "" && !fields.includes(field))) return false;
  return field !== "Item" || part === "" || ITEM.includes(part);
}

/**
 * The type that an expression has in any case, as a letter of {@link typeOf}, and its value where that is a text, a number or a Boolean in any case.
 *
 * @param expression without its delimiters
 */
export function resultOf(expression: string): { readonly type: string; readonly value?: unknown } {
  if (expression.includes("${")) return { type: "?" };
  try {
    const node = syntaxTreeOf(expression);
    if (!isNode(node)) return { type: "?" };
    const constant = constantOf(node);
    const value = constant?.kind === "value" ? constant.value : undefined;
    if (value !== undefined) return { type: TYPES[typeof value] ?? "?", value };
    return { type: typeOf(node), ...(["number", "string"].includes(String(node["type"])) && { value: node["value"] }) };
  } catch {
    return { type: "?" }; // a fault of useOf
  }
}

/** @param expression without its delimiters */
export function useOf(expression: string): ExpressionUse {
  let syntaxTree: unknown;
  try {
    // Terraform replaces its interpolations with values, most of them numbers and names.
    syntaxTree = syntaxTreeOf(expression.replace(/\$\{[^}]*\}/g, "1"));
  } catch (error) {
    const message = typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
    return {
      variables: new Set(),
      tested: new Set(),
      states: new Set(),
      resultFields: new Set(),
      usesItem: false,
      usesToken: false,
      usesContext: false,
      functions: [],
      faults: [`is not JSONata: ${message}`],
    };
  }
  const walker = new Walker();
  walker.visit(syntaxTree, {
    local: new Map(),
    isRelative: false,
    isOptional: false,
    isConstant: expression.includes("${"),
  });
  if (isNode(syntaxTree)) {
    walker.functions = functionsIn(syntaxTree);
    if (constantOf(syntaxTree)?.kind === "nothing") walker.faults.push("has no value in any execution");
  }
  for (const name of walker.tested) walker.variables.delete(name);
  return walker;
}

/** Environments have the expressions of their machines in common. */
const syntaxTrees = new Map<string, unknown>();

function syntaxTreeOf(expression: string): unknown {
  const known = syntaxTrees.get(expression) ?? parseJsonata(expression).ast();
  syntaxTrees.set(expression, known);
  return known;
}

interface Scope {
  /** Variables of the expression itself, with those functions that have a signature. */
  readonly local: ReadonlyMap<string, SignedFunction | undefined>;
  /** True where a name belongs to the step before it. */
  readonly isRelative: boolean;
  /** True inside `$exists()`. */
  readonly isOptional: boolean;
  /** Of a call behind `~>`: the letter of the type of its first argument, which stands before it. */
  readonly applied?: string;
  /** True within what was evaluated, and of what Terraform has a part in. */
  readonly isConstant: boolean;
}

type Node = Readonly<Record<string, unknown>>;

interface SignedFunction {
  readonly signature: string;
  /** How many arguments it has. */
  readonly arity: number;
}

class Walker implements ExpressionUse {
  readonly variables = new Set<string>();
  readonly tested = new Set<string>();
  readonly states = new Set<string>();
  readonly resultFields = new Set<string>();
  usesItem = false;
  usesToken = false;
  usesContext = false;
  functions: readonly string[] = [];
  readonly faults: string[] = [];

  visit(node: unknown, scope: Scope): void {
    if (Array.isArray(node)) for (const item of node) this.visit(item, scope);
    else if (isNode(node)) this.visitNode(node, scope);
  }

  private visitNode(node: Node, outer: Scope): void {
    const constant =
      outer.isConstant || outer.isRelative || outer.applied !== undefined
        ? undefined
        : constantOf(node, new Set(outer.local.keys()));
    if (constant?.kind === "failure") this.faults.push(`fails in every execution: ${constant.reason}`);
    const scope = constant === undefined ? outer : { ...outer, isConstant: true };
    if (isNode(node["group"])) this.faults.push(...nameFaults(node["group"]["lhs"]));
    switch (node["type"]) {
      case "variable":
        this.useVariable(String(node["value"]), scope);
        return;
      case "name":
        if (!scope.isRelative) this.faults.push(`has ${String(node["value"])} without $states.input before it`);
        this.visitRest(node, { ...scope, isRelative: true });
        return;
      case "path":
        this.visitPath(node, scope);
        return;
      case "function":
      case "partial":
        this.visitCall(node, scope);
        return;
      case "apply":
        this.visit(node["lhs"], scope);
        this.visit(calledBy(node["rhs"]), { ...scope, applied: isNode(node["lhs"]) ? typeOf(node["lhs"]) : "?" });
        if (isNode(node["rhs"]) && NO_FUNCTIONS.has(String(node["rhs"]["type"])))
          this.faults.push("has ~> before what is not a function");
        return;
      case "lambda":
        this.visit(node["body"], { ...scope, local: withNames(scope.local, node["arguments"]), isRelative: true });
        return;
      case "block":
        this.visitBlock(node, scope);
        return;
      case "bind":
        if (isNode(node["lhs"]) && node["lhs"]["value"] === "states")
          this.faults.push("assigns $states, which is reserved");
        this.visit(node["rhs"], { ...scope, local: withNames(scope.local, [node["lhs"]]) });
        return;
      case "condition":
        if (isOfLaterVersion(node)) this.faults.push("has ?? or ?:, which JSONata 2.0.6 does not have");
        this.visitRest(node, scope);
        return;
      case "transform":
        if (!isOfType(node["update"], "o") || !isOfType(node["delete"], "as"))
          this.faults.push("has a transform whose update is no object or whose deletion is no text");
        this.visitRest(node, { ...scope, isRelative: true });
        return;
      case "binary":
      case "unary":
        if (!areOperands(node)) this.faults.push(`has an operand of ${String(node["value"])} that is of another type`);
        if (isLongRange(node)) this.faults.push("has a range of more than 10,000,000 numbers");
        if (isDivisionByZero(node)) this.faults.push(`has ${String(node["value"])} 0`);
        if (node["value"] === "{") this.faults.push(...nameFaults(node["lhs"]));
        this.visitRest(node, scope);
        return;
      default:
        this.visitRest(node, scope);
    }
  }

  private visitRest(node: Node, scope: Scope): void {
    for (const [name, child] of Object.entries(node)) if (name !== "value") this.visit(child, scope);
  }

  private visitPath(node: Node, scope: Scope): void {
    const [first, ...rest] = nodesOf(node["steps"]);
    if (first?.["type"] === "variable" && first["value"] === "states") this.useStates(rest);
    else this.visit(first, scope);
    this.visit(first?.["predicate"], { ...scope, isRelative: true });
    this.visit(first?.["stages"], { ...scope, isRelative: true });
    let local = scope.local;
    for (const step of [first, ...rest])
      for (const bound of [step?.["focus"], step?.["index"]])
        if (typeof bound === "string") local = new Map([...local, [bound, undefined]]);
    for (const step of rest) this.visit(step, { ...scope, local, isRelative: true });
    this.visit(node["group"], { ...scope, local, isRelative: true });
  }

  private visitCall(node: Node, { applied = "", ...scope }: Scope): void {
    const procedure = node["procedure"];
    const name = isNode(procedure) && procedure["type"] === "variable" ? String(procedure["value"]) : undefined;
    const types = applied + nodesOf(node["arguments"]).map(typeOf).join("");
    this.checkSignature(signedFunctionOf(procedure, scope), types);
    const [called] = isNode(procedure) ? nodesOf(procedure["steps"] ?? [procedure]) : [];
    if (["name", "string", "number"].includes(String(called?.["type"])))
      this.faults.push(`calls ${String(called?.["value"])}, which is not a function`);
    else if (name === undefined) this.visit(procedure, scope);
    else if (!scope.local.has(name) && !isFunction(name)) this.faults.push(`calls $${name}, which is not a function`);
    else if (!scope.local.has(name) && node["type"] === "function") {
      if (!takes(name, types, scope.isRelative))
        this.faults.push(`calls $${name} with arguments that it does not take`);
      const [, algorithm] = nodesOf(node["arguments"]);
      if (name === "hash" && algorithm?.["type"] === "string" && !HASHES.has(String(algorithm["value"])))
        this.faults.push(`calls $hash with ${String(algorithm["value"])}, which it does not have`);
      this.faults.push(...argumentFaults(name, nodesOf(node["arguments"])));
      const [list, given] = applied === "" ? nodesOf(node["arguments"]) : [undefined, ...nodesOf(node["arguments"])];
      const item = list === undefined ? "?" : itemType(list);
      const passed = PASSED[name]?.replaceAll("i", item);
      const called = signedFunctionOf(given, scope);
      // It gets as many of them as it names, and at least the first.
      if (passed !== undefined) this.checkSignature(called, passed.slice(0, Math.max(1, called?.arity ?? 1)));
    }
    this.visit(node["arguments"], { ...scope, isOptional: scope.isOptional || name === "exists" });
  }

  /** @param types of the arguments that it is called with */
  private checkSignature(called: SignedFunction | undefined, types: string): void {
    if (called !== undefined && !fits(called.signature, types))
      this.faults.push(`calls a function with arguments that its signature ${called.signature} does not take`);
  }

  /** Each expression has the variables of those before it. */
  private visitBlock(node: Node, scope: Scope): void {
    let local = scope.local;
    for (const expression of nodesOf(node["expressions"])) {
      if (expression["type"] === "bind")
        local = withNames(local, [expression["lhs"]], signedFunctionOf(expression["rhs"]));
      this.visit(expression, { ...scope, local });
    }
  }

  private useStates(steps: readonly Node[]): void {
    const [name = "", ...path] = steps.map((step) => (step["type"] === "name" ? String(step["value"]) : ""));
    if (PROPERTIES.has(name)) this.states.add(name);
    else this.faults.push(`has $states.${name}, which does not exist`);
    const [field = ""] = path;
    if (name === "result" && field !== "") this.resultFields.add(field);
    if (name === "errorOutput" && !["", "Error", "Cause"].includes(field))
      this.faults.push(`has $states.errorOutput.${field}, which does not exist: Error, Cause`);
    if (name === "context" && field === "Map") this.usesItem = true;
    if (name === "context" && field === "Task") this.usesToken = true;
    if (name === "context" && field === "") this.usesContext = true;
    if (name === "context" && !isInContext(path))
      this.faults.push(`has $states.context.${path.slice(0, 3).join(".")}, which does not exist`);
  }

  private useVariable(name: string, { local, isRelative, isOptional }: Scope): void {
    if (name === "states") this.usesContext = true;
    if (local.has(name) || isFunction(name) || name === "states") return;
    if (name === "" || name === "$") {
      if (!isRelative) this.faults.push("has $ outside a path: use $states.input");
    } else (isOptional ? this.tested : this.variables).add(name);
  }
}

/** `a ?? b` is parsed as `$exists(a) ? a : b`, and `a ?: b` as `a ? a : b`, with one position of both. */
function isOfLaterVersion({ condition, then }: Node): boolean {
  const tested = isNode(condition) ? [condition, ...nodesOf(condition["arguments"])] : [];
  return tested.some((each) => JSON.stringify(each) === JSON.stringify(then));
}

/** Behind `~>`, a function alone is called, too. */
function calledBy(node: unknown): unknown {
  const isFunction = isNode(node) && ["variable", "lambda", "block"].includes(String(node["type"]));
  return isFunction ? { type: "function", procedure: node, arguments: [] } : node;
}

/** A function with a signature where it is written, also in parentheses: `function($n)<n:n>{$n}`; or by its name. */
function signedFunctionOf(
  node: unknown,
  { local }: Pick<Scope, "local"> = { local: new Map() },
): SignedFunction | undefined {
  const [called, ...others] = isNode(node) ? nodesOf(node["expressions"] ?? [node]) : [];
  if (called === undefined || others.length > 0) return undefined;
  if (called["type"] === "variable") return local.get(String(called["value"]));
  const signature = called["signature"];
  const definition = isNode(signature) ? signature["definition"] : undefined;
  return typeof definition === "string"
    ? { signature: definition, arity: nodesOf(called["arguments"]).length }
    : undefined;
}

function withNames(names: Scope["local"], variables: unknown, signed?: SignedFunction): Scope["local"] {
  return new Map([...names, ...nodesOf(variables).map(({ value }) => [String(value), signed] as const)]);
}

/** What functions pass to the function that they are given: `i` is an item of the first argument. */
const PASSED: Readonly<Record<string, string>> = {
  each: "?so",
  filter: "ina",
  map: "ina",
  reduce: "??na",
  sift: "?so",
  single: "ina",
  sort: "ii",
};

/** The letter of the type of all items, or `?`. A value is taken for a list of one. */
function itemType(list: Node): string {
  if (typeOf(list) !== "a") return typeOf(list);
  const types = new Set(nodesOf(list["expressions"]).map(typeOf));
  return types.size === 1 ? [...types].join("") : "?";
}

export const HASHES = new Set(["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]);

const ARITHMETIC = new Set(["+", "-", "*", "/", "%"]);
const COMPARISONS = new Set(["<", "<=", ">", ">="]);

/** False when it is certainly of another type. */
function isOfType(node: unknown, types: string): boolean {
  return !isNode(node) || `?${types}`.includes(typeOf(node));
}

/** False when an operand is certainly of another type than its operator takes. */
function areOperands({ type, value, lhs, rhs, expression }: Node): boolean {
  const types = [lhs, rhs, expression].filter(isNode).map(typeOf);
  const areAll = (letter: string) => types.every((each) => each === letter || each === "?");
  if (type === "unary") return value !== "-" || areAll("n");
  if (ARITHMETIC.has(String(value)) || value === "..") return areAll("n");
  return !COMPARISONS.has(String(value)) || areAll("n") || areAll("s");
}

/** JSONata's limit. */
const MAX_RANGE = 10_000_000;

function isLongRange({ value, lhs, rhs }: Node): boolean {
  const [first, last] = [lhs, rhs].map((each) =>
    isNode(each) && each["type"] === "number" ? Number(each["value"]) : 0,
  );
  return value === ".." && (last ?? 0) - (first ?? 0) >= MAX_RANGE;
}

function isDivisionByZero({ value, rhs }: Node): boolean {
  return (value === "/" || value === "%") && isNode(rhs) && rhs["type"] === "number" && rhs["value"] === 0;
}

/** Of an object: its names are texts, each of them once. */
function nameFaults(pairs: unknown): string[] {
  const names = (Array.isArray(pairs) ? pairs : []).flatMap((pair: unknown) => nodesOf(pair).slice(0, 1));
  const literal = names.filter(({ type }) => type === "string").map(({ value }) => String(value));
  return [
    ...(names.every((name) => ["s", "?"].includes(typeOf(name))) ? [] : ["has a name that is no text"]),
    ...literal.filter((name, index) => literal.indexOf(name) !== index).map((name) => `has ${name} twice in an object`),
  ];
}

/** Of the functions that Step Functions adds, and of those that are given to others. */
function argumentFaults(name: string, given: readonly Node[]): string[] {
  const [first, second, third] = given.map(({ type, value }) =>
    type === "number" || type === "string" ? value : undefined,
  );
  const reducer = given[1];
  const isWrong =
    (name === "parse" && typeof first === "string" && !isJson(first)) ||
    (name === "partition" && typeof second === "number" && second < 1) ||
    (name === "range" && third === 0) ||
    (name === "reduce" && reducer?.["type"] === "lambda" && nodesOf(reducer["arguments"]).length < 2);
  return isWrong ? [`calls $${name} with arguments that it does not take`] : [];
}

/** Literals, which `~>` cannot call. */
const NO_FUNCTIONS = new Set(["string", "number", "value", "unary"]);

/** The functions that it returns, alone or in a list or an object. */
function functionsIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(functionsIn);
  if (!isNode(node)) return [];
  switch (node["type"]) {
    case "variable":
      return [String(node["value"])].filter(isFunction);
    case "lambda":
    case "partial":
    case "regex":
      return [""];
    case "condition":
      return [node["then"], node["else"]].flatMap(functionsIn);
    case "block": {
      const expressions = nodesOf(node["expressions"]);
      const local = expressions.map(({ type, lhs }) => (type === "bind" && isNode(lhs) ? lhs["value"] : undefined));
      return functionsIn(expressions.at(-1)).filter((name) => !local.includes(name));
    }
    case "unary":
      return functionsIn(node["value"] === "{" ? node["lhs"] : node["expressions"]);
    default:
      return [];
  }
}

/** Letters of types, by JavaScript's. */
const TYPES: Readonly<Record<string, string>> = { string: "s", number: "n", boolean: "b" };

function binaryType(operator: string): string {
  if (ARITHMETIC.has(operator)) return "n";
  if (operator === "&") return "s";
  return COMPARISONS.has(operator) || ["=", "!=", "and", "or", "in"].includes(operator) ? "b" : "?";
}

/** The letter of the type that a node has in any case, or `?`. */
function typeOf({ type, value, ...node }: Node): string {
  switch (type) {
    case "binary":
      return binaryType(String(value));
    case "condition": {
      const types = new Set([node["then"], node["else"]].map((each) => (isNode(each) ? typeOf(each) : "?")));
      return types.size === 1 ? [...types].join("") : "?";
    }
    case "block": {
      const last = nodesOf(node["expressions"]).at(-1);
      return last === undefined ? "?" : typeOf(last);
    }
    case "function":
      return isNode(node["procedure"]) ? returnType(String(node["procedure"]["value"])) : "?";
    case "string":
      return "s";
    case "number":
      return "n";
    case "value":
      return value === null ? "l" : typeof value === "boolean" ? "b" : "?";
    case "unary":
      return value === "[" ? "a" : value === "{" ? "o" : "n";
    case "lambda":
    case "partial":
    case "regex":
      return "f";
    default:
      return "?";
  }
}

const nodesOf = (value: unknown): readonly Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !(value instanceof RegExp);
}
