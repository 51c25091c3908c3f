/** Mutants of infrastructure: one attribute of one resource dropped, changed or swapped, or one resource missing. */
import type { Resource } from "../../../modules/synthesized/resources";
import { pathsOf } from "./index";
import { canonical, parsed, textsOf, valuesAt, type World } from "./rule";

export interface Mutant {
  readonly resource: Resource;
  /** Empty: the resource itself is missing. */
  readonly path: string;
  /** `dropped`, `flipped`, `set to 1`. */
  readonly change: string;
  readonly world: World;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A changed value; undefined: the attribute is dropped. */
type Change = readonly [description: string, value: unknown];

/** All mutants of a world, those of one resource together. */
export function* mutantsOf(world: World): Generator<Mutant> {
  for (const resource of world.resources) {
    yield { resource, path: "", change: "missing", world: replaced(world, resource) };
    for (const path of pathsOf(resource.values)) {
      const [value] = valuesAt(resource.values, path.split(".")).filter((each) => each !== undefined);
      for (const [change, changed] of changesOf(value, othersOf(world, resource, path))) {
        if (isSame(changed, value)) continue; // a field that was not there
        const values = withValue(resource.values, path.split("."), changed);
        yield { resource, path, change, world: replaced(world, resource, { ...resource, values: values as Fields }) };
      }
    }
  }
}

/** Two JSON texts of one document are the same. */
const isSame = (one: unknown, other: unknown) =>
  typeof one === "string" && one.startsWith("{") && canonical(parsed(one)) === canonical(parsed(other));

function replaced(world: World, resource: Resource, by?: Resource): World {
  return { ...world, resources: world.resources.flatMap((each) => (each === resource ? (by ?? []) : [each])) };
}

/** Values that other resources of the type have at a path: first those of the same module. */
function othersOf(world: World, { type, module }: Resource, path: string): readonly unknown[] {
  return world.resources
    .filter((each) => each.type === type)
    .sort((a, b) => Number(b.module === module) - Number(a.module === module))
    .flatMap((each) => valuesAt(each.values, path.split(".")))
    .filter((value) => value !== undefined);
}

/** At the first place that has the path, which may be in a list of blocks. */
function withValue(value: unknown, [key, ...rest]: readonly string[], changed: unknown): unknown {
  if (key === undefined) return changed;
  if (Array.isArray(value)) {
    const first = value.findIndex((item) => valuesAt(item, [key, ...rest]).some((each) => each !== undefined));
    return value.map((item: unknown, index) => (index === first ? withValue(item, [key, ...rest], changed) : item));
  }
  if (!isFields(value)) return value;
  const { [key]: old, ...others } = value;
  const next = withValue(old, rest, changed);
  return next === undefined ? others : { ...value, [key]: next };
}

function changesOf(value: unknown, others: readonly unknown[]): readonly Change[] {
  const swapped = others.find((other) => JSON.stringify(other) !== JSON.stringify(value));
  return [
    ["dropped", undefined],
    ...(swapped === undefined ? [] : [["swapped", swapped] as const]),
    ...ownChanges(value),
  ];
}

function ownChanges(value: unknown): readonly Change[] {
  if (typeof value === "boolean") return [["flipped", !value]];
  if (typeof value === "number")
    return [value === 1 ? ["set to 2", 2] : ["set to 1", 1], ["times 100", value * 100 + 100]];
  if (Array.isArray(value))
    return value.length === 0
      ? []
      : [
          ["emptied", []],
          ["shortened", value.slice(1)],
        ];
  if (isFields(value)) {
    const [entry] = Object.entries(value);
    if (entry === undefined) return [];
    const [first, old] = entry;
    const { [first]: _, ...rest } = value;
    return [
      ["emptied", {}],
      ["first entry dropped", rest],
      ["first entry changed", { ...value, [first]: `${String(old)}-mutant` }],
    ];
  }
  if (typeof value !== "string") return [];
  const document = parsed(value);
  if ("Statement" in document) return policyChanges(document);
  if ("States" in document) return machineChanges(document);
  return [["changed", `${value}-mutant`]];
}

function policyChanges(policy: Fields): readonly Change[] {
  const statements = policy["Statement"] as readonly Fields[];
  const changed = (index: number, change: Fields) =>
    JSON.stringify({
      ...policy,
      Statement: statements.map((each, at) => (at === index ? { ...each, ...change } : each)),
    });
  return statements.flatMap((statement, index): readonly Change[] => {
    const sid = textsOf(statement["Sid"])[0] ?? String(index);
    const [service = ""] = textsOf(statement["Action"])[0]?.split(":") ?? [];
    return [
      [`${sid} dropped`, JSON.stringify({ ...policy, Statement: statements.filter((_, at) => at !== index) })],
      [`${sid} turned around`, changed(index, { Effect: statement["Effect"] === "Allow" ? "Deny" : "Allow" })],
      ...(statement["Action"] === `${service}:*`
        ? []
        : [[`${sid} allows ${service}:*`, changed(index, { Action: `${service}:*` })] as const]),
      ...(statement["Resource"] === undefined || JSON.stringify([statement["Resource"]].flat()) === '["*"]'
        ? []
        : [[`${sid} on *`, changed(index, { Resource: "*" })] as const]),
      ...(statement["Principal"] === undefined || statement["Principal"] === "*"
        ? []
        : [[`${sid} for anybody`, changed(index, { Principal: "*" })] as const]),
      ...(statement["Condition"] === undefined
        ? []
        : [[`${sid} without condition`, changed(index, { Condition: undefined })] as const]),
    ];
  });
}

/** A state machine: each of its fields dropped, each of its states missing, and each field of a task dropped. */
function machineChanges(machine: Fields): readonly Change[] {
  const states = machine["States"] as Readonly<Record<string, Fields>>;
  const without = (fields: Fields, name: string) =>
    Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
  return [
    ...["StartAt", "TimeoutSeconds", "QueryLanguage"].map((name): Change => [
      `without ${name}`,
      JSON.stringify(without(machine, name)),
    ]),
    ...Object.entries(states).flatMap(([name, state]): readonly Change[] => [
      [`without ${name}`, JSON.stringify({ ...machine, States: without(states, name) })],
      ...(state["Type"] === "Task" ? ["TimeoutSeconds", "Resource"] : []).map((field): Change => [
        `${name} without ${field}`,
        JSON.stringify({ ...machine, States: { ...states, [name]: without(state, field) } }),
      ]),
    ]),
  ];
}
