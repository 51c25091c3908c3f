/** A state machine as a Mermaid flowchart: https://mermaid.js.org/syntax/flowchart.html */
import type { Machine, State } from "../../modules/asl/machine";

/** Dotted arrows are Catch clauses, labelled with their errors. */
export function mermaidOf(machine: Machine): string {
  return ["flowchart TD", ...linesOf(machine, "s").map((line) => `  ${line}`), ""].join("\n");
}

/** @param prefix of the node ids: Mermaid does not allow state names as ids */
function linesOf({ StartAt, States }: Machine, prefix: string): string[] {
  const names = Object.keys(States);
  const idOf = (name: string) => `${prefix}${names.indexOf(name) + 1}`;
  const start = `${prefix}0((" ")) --> ${idOf(StartAt)}`;
  const nodes = Object.entries(States).flatMap(([name, state]) => nodeOf(idOf(name), name, state));
  const arrows = Object.entries(States).flatMap(([name, state]) =>
    arrowsOf(state).map(({ to, label, dotted }) => {
      const arrow = dotted ? "-.->" : "-->";
      return `${idOf(name)} ${arrow}${label === "" ? "" : `|${quoted(label)}|`} ${idOf(to)}`;
    }),
  );
  return [start, ...nodes, ...arrows];
}

function nodeOf(id: string, name: string, state: State): string[] {
  const [open, close] = SHAPES[state.Type];
  const node = `${id}${open}${quoted(`<b>${escaped(name)}</b><br>${escaped(actionOf(state))}`)}${close}`;
  const inner = [...(state.Branches ?? []), ...(state.ItemProcessor ? [state.ItemProcessor] : [])];
  if (inner.length === 0) return [node];
  const frames = inner.flatMap((machine, index) => [
    `subgraph ${id}_${index}[${quoted(state.Type === "Map" ? "for each item" : `branch ${index + 1}`)}]`,
    ...linesOf(machine, `${id}_${index}s`).map((line) => `  ${line}`),
    "end",
    `${id} --- ${id}_${index}`,
  ]);
  return [node, ...frames];
}

const SHAPES = {
  Task: ["[", "]"],
  Pass: ["[", "]"],
  Wait: ["(", ")"],
  Choice: ["{", "}"],
  Map: ["[[", "]]"],
  Parallel: ["[[", "]]"],
  Succeed: ["([", "])"],
  Fail: ["([", "])"],
} as const satisfies Record<State["Type"], readonly [string, string]>;

/** `dynamodb:putItem`, `Wait 30 s`. */
function actionOf({ Type, Resource, Seconds }: State): string {
  if (Type === "Task" && Resource !== undefined) return Resource.replace(/^arn:[\w-]+:states:[^:]*:[^:]*:/, "");
  if (Type === "Wait" && typeof Seconds === "number") return `Wait ${Seconds} s`;
  return Type;
}

interface Arrow {
  readonly to: string;
  readonly label: string;
  readonly dotted: boolean;
}

function arrowsOf({ Next, Default, Choices = [], Catch = [] }: State): Arrow[] {
  return [
    ...(Next === undefined ? [] : [{ to: Next, label: "", dotted: false }]),
    ...Choices.map((choice) => ({ to: choice.Next, label: conditionOf(choice), dotted: false })),
    ...(Default === undefined ? [] : [{ to: Default, label: "otherwise", dotted: false }]),
    ...Catch.map((catcher) => ({ to: catcher.Next, label: catcher.ErrorEquals.join(", "), dotted: true })),
  ];
}

/** The rule's comment, or else its JSONata condition. */
function conditionOf({ Comment, Condition }: NonNullable<State["Choices"]>[number]): string {
  if (Comment !== undefined) return Comment;
  return typeof Condition === "string" ? Condition.replace(/^\{%\s*|\s*%\}$/g, "") : "";
}

/** Mermaid allows everything but quotes in quoted text. */
const quoted = (text: string) => `"${text.replaceAll('"', "#quot;")}"`;
const escaped = (text: string) => text.replaceAll("&", "#amp;").replaceAll("<", "#lt;").replaceAll(">", "#gt;");
