/** The drawing of the architecture. */
import type { JSX } from "preact";
import type { ActivityView, ArchitectureEdge, ArchitectureNode, FeatureDrawing, NodeKind } from "../../contract";
import { relative } from "../format";
import { ArrowHead } from "./arrow";
import { useNow } from "./clock";

const KIND_LABELS: Readonly<Record<NodeKind, string>> = {
  schedule: "schedule",
  event: "event rule",
  api: "REST API",
  function: "function",
  queue: "queue",
  table: "table",
  bucket: "bucket",
  topic: "topic",
  machine: "state machine",
  slack: "Slack",
  other: "",
};

/** 16 by 16, drawn as lines. */
const KIND_PATHS: Readonly<Record<NodeKind, string>> = {
  schedule: "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 4.5V8l2.5 1.7",
  event: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z",
  api: "M5 3 1.5 8 5 13M11 3l3.5 5-3.5 5M9.2 2.5 6.8 13.5",
  function: "M4 2.5h2l5.5 11h2M8 7 4 13.5H2",
  queue: "M1.5 5h13v6h-13zM5.8 5v6M10.2 5v6",
  table: "M2 2.5h12v11H2zM2 6.2h12M2 9.9h12M6 2.5v11",
  bucket: "M2 3.5h12l-1.6 10.5H3.6zM2 3.5c0-2.4 12-2.4 12 0",
  topic: "M2 6v4h2.5L11 13.5v-11L4.5 6zM13 6c1 1 1 3 0 4",
  machine: "M5.5 2h5v3.6h-5zM1.5 10.4h5V14h-5zM9.5 10.4h5V14h-5zM8 5.6v2.4M4 10.4V8h8v2.4",
  slack: "M2 3h12v8H7l-3 2.8V11H2z",
  other: "M3 3h10v10H3z",
};

/** After an invocation, its edges are lit for this long. */
const LIT_MS = 4_000;

interface DiagramProps {
  readonly drawing: FeatureDrawing;
  readonly activity: ActivityView["functions"];
}

/** A feature's architecture. Edges into a function light up when it runs. */
export function Diagram({ drawing: { feature, width, height, nodes, edges }, activity }: DiagramProps): JSX.Element {
  const now = useNow();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const runOf = (id: string) => {
    const name = byId.get(id)?.functionName;
    return name === undefined ? undefined : activity[name];
  };
  return (
    <div class="diagram" role="region" tabIndex={0} aria-label={`Architecture of ${feature}`}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        <ArrowHead id={`arrow-${feature}`} />
        <g aria-hidden="true">
          {edges.map((edge) => {
            const at = (runOf(edge.to) ?? runOf(edge.from))?.lastAt;
            return <Edge key={`${edge.from} ${edge.to}`} edge={edge} feature={feature} litAt={at} now={now} />;
          })}
        </g>
        {nodes.map((node) => (
          <Node key={node.id} node={node} run={runOf(node.id)} now={now} />
        ))}
      </svg>
    </div>
  );
}

interface EdgeProps {
  readonly edge: ArchitectureEdge;
  readonly feature: string;
  readonly litAt: string | undefined;
  readonly now: number;
}

function Edge({ edge, feature, litAt, now }: EdgeProps): JSX.Element {
  const isLit = litAt !== undefined && now - Date.parse(litAt) < LIT_MS;
  return (
    <g class={isLit ? "edge lit" : "edge"}>
      <title>{edge.label}</title>
      <path d={edge.path} marker-end={`url(#arrow-${feature})`} />
      {/* A new element for each invocation: its animation runs once. */}
      {isLit && <path key={litAt} class="pulse" d={edge.path} pathLength={100} />}
    </g>
  );
}

interface NodeProps {
  readonly node: ArchitectureNode;
  readonly run: ActivityView["functions"][string] | undefined;
  readonly now: number;
}

function Node({ node, run, now }: NodeProps): JSX.Element {
  const { kind, label, detail, x, y, width, height, functionName } = node;
  const ran = run === undefined ? "" : `, ran ${relative(Date.parse(run.lastAt), now)}`;
  const health = run !== undefined && run.errors > 0 ? "failing" : "";
  return (
    <g
      role="img"
      aria-label={`${KIND_LABELS[kind]} ${label}${ran}`}
      class={`node ${kind} ${health}`}
      transform={`translate(${x - width / 2} ${y - height / 2})`}
    >
      <title>{`${KIND_LABELS[kind]} ${detail}${ran}`}</title>
      <rect width={width} height={height} rx="9" />
      <path class="kind" d={KIND_PATHS[kind]} transform={`translate(11 ${(height - 16) / 2})`} />
      <text x="36" y={functionName === undefined ? height / 2 + 4.5 : 18}>
        {label}
      </text>
      {functionName !== undefined && (
        <text class="ran" x="36" y="33">
          {run === undefined ? "no run lately" : relative(Date.parse(run.lastAt), now)}
        </text>
      )}
    </g>
  );
}
