/**
 * The environment's CloudWatch dashboard, with a row for each feature. Each feature's module outputs its widgets, because only the
 * module knows its resources' names; the environment's stack joins them.
 */
import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard";
import { Construct } from "constructs";
import { RESOURCE } from "./readable-id";

/** The module output with a feature's widgets. */
export const WIDGETS_OUTPUT = "dashboard_widgets";

/** The grid is 24 wide, so three graphs fit beside each other. Widgets without a position fill the grid in order. */
const HEADING_SIZE = { width: 24, height: 1 } as const;
const GRAPH_SIZE = { width: 8, height: 6 } as const;

const PERIOD_SECONDS = 300;

export interface Metric {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export interface Line extends Metric {
  readonly label: string;
  readonly statistic: "Sum" | "Maximum" | "Minimum" | "Average" | "p50" | "p99";
}

export interface Graph {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** A feature's row in CloudWatch's dashboard format: a heading and its graphs. */
export function widgetsOf(heading: string, graphs: readonly Graph[], region: string): readonly unknown[] {
  return [
    { type: "text", ...HEADING_SIZE, properties: { markdown: `## ${heading}` } },
    ...graphs.map(({ title, lines }) => ({
      type: "metric",
      ...GRAPH_SIZE,
      properties: {
        title,
        region,
        view: "timeSeries",
        period: PERIOD_SECONDS,
        metrics: lines.map(({ namespace, metric, dimensions, label, statistic }) => [
          namespace,
          metric,
          ...Object.entries(dimensions).flat(),
          { label, stat: statistic },
        ]),
      },
    })),
  ];
}

export interface DashboardProps {
  readonly name: string;
  /** In the order of their rows. */
  readonly features: readonly string[];
}

export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { name, features }: DashboardProps) {
    super(scope, id);
    const rows = features.map((feature) => `module.${feature}.${WIDGETS_OUTPUT}`).join(", ");
    new CloudwatchDashboard(this, RESOURCE, {
      dashboardName: name,
      dashboardBody: `\${jsonencode({ widgets = concat(${rows}) })}`,
    });
  }
}
