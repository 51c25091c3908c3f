/** Places a graph's nodes in layers, from left to right. Pure. */
import { truncate } from "../../../functions/shared/text";
import { graphlib, layout } from "@dagrejs/dagre";
import type { FeatureDrawing } from "../contract";
import type { Graph, GraphNode } from "./graph";

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Placed>;
  /** In the order of the edges: see {@link pathThrough}. */
  readonly lines: readonly (readonly Point[])[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LayoutOptions {
  readonly direction: "LR" | "TB";
  readonly sizeOf: (id: string) => { readonly width: number; readonly height: number };
}

const MARGIN = 12;

export function layOut(
  ids: readonly string[],
  edges: readonly { readonly from: string; readonly to: string }[],
  { direction, sizeOf }: LayoutOptions,
): Layout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 14, edgesep: 10, ranksep: 44, marginx: MARGIN, marginy: MARGIN });
  for (const id of ids) graph.setNode(id, { ...sizeOf(id) });
  for (const [index, { from, to }] of edges.entries()) graph.setEdge(from, to, {}, String(index));
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const lines = edges.map(({ from, to }, index) => graph.edge(from, to, String(index)).points);
  // dagre measures nodes only: a line may lead around them, outside of the drawing.
  const ys = lines.flatMap((points) => points.map(({ y }) => y));
  const down = Math.max(0, MARGIN - Math.min(...ys, MARGIN));
  return {
    width: Math.ceil(width),
    height: Math.ceil(down + Math.max(height, ...ys.map((y) => y + MARGIN))),
    nodes: new Map(ids.map((id) => [id, placedAt(graph.node(id), down)])),
    lines: lines.map((points) => points.map(({ x, y }) => ({ x, y: y + down }))),
  };
}

function placedAt({ x, y, width, height }: Placed, down: number): Placed {
  return { x: Math.round(x), y: Math.round(y + down), width, height };
}

/** An SVG path: a curve from the first point to the last, of quadratic pieces whose joints are the middles between the points. */
export function pathThrough([first, ...others]: readonly Point[] = []): string {
  const last = others.at(-1);
  if (first === undefined || last === undefined) return "";
  const at = ({ x, y }: Point) => `${Math.round(x)} ${Math.round(y)}`;
  const pieces = others.slice(0, -1).map((point, index) => {
    const next = others[index + 1] ?? last;
    return `Q${at(point)} ${at({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return [`M${at(first)}`, ...pieces, `L${at(last)}`].join("");
}

const NODE_HEIGHT = 42;
const CHARACTER_WIDTH = 7.2;
const AROUND_LABEL = 46;
/** It also has the time of its last run. */
const NARROWEST_FUNCTION = 118;
const LONGEST_LABEL = 24;

/** One drawing for each feature, in the given order. What features have in common is in the drawing of each. */
export function drawingsOf({ nodes, edges }: Graph, features: readonly string[]): readonly FeatureDrawing[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return features.flatMap((feature) => {
    const own = edges.filter(({ from, to }) => [from, to].some((id) => byId.get(id)?.feature === feature));
    const ids = new Set([
      ...nodes.filter((node) => node.feature === feature).map(({ id }) => id),
      ...own.flatMap(({ from, to }) => [from, to]),
    ]);
    const shown = [...ids].flatMap((id) => byId.get(id) ?? []);
    return shown.length === 0 ? [] : [drawing(feature, shown, own)];
  });
}

function drawing(feature: string, nodes: readonly GraphNode[], edges: Graph["edges"]): FeatureDrawing {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const labels = new Map(nodes.map((node) => [node.id, truncate(labelIn(feature, node), LONGEST_LABEL)]));
  const placed = layOut(
    nodes.map(({ id }) => id),
    edges,
    {
      direction: "LR",
      sizeOf: (id) => ({
        width: Math.max(
          byId.get(id)?.kind === "function" ? NARROWEST_FUNCTION : 0,
          Math.round(AROUND_LABEL + CHARACTER_WIDTH * (labels.get(id)?.length ?? 0)),
        ),
        height: NODE_HEIGHT,
      }),
    },
  );
  return {
    feature,
    width: placed.width,
    height: placed.height,
    nodes: nodes.flatMap(({ feature: _, ...node }) => {
      const at = placed.nodes.get(node.id);
      return at === undefined ? [] : [{ ...node, ...at, label: labels.get(node.id) ?? node.label }];
    }),
    edges: edges.map((edge, index) => ({ ...edge, path: pathThrough(placed.lines[index]) })),
  };
}

/** Another feature's node says whose it is. */
function labelIn(feature: string, node: GraphNode): string {
  return node.feature === feature
    ? node.label
    : `${node.feature} ${node.label === node.feature ? "" : node.label}`.trim();
}
