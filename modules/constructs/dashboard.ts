/**
 * One CloudWatch dashboard for an environment, a row for each feature. A feature's module gives its widgets as an output, because
 * it is the module that knows its resources' names; the environment's stack puts them together.
 */
import { CloudwatchDashboard } from "@cdktf/provider-aws/lib/cloudwatch-dashboard";
import { Construct } from "constructs";
import { RESOURCE } from "./readable-id";

/** The output of each feature's module that holds its row. */
export const WIDGETS_OUTPUT = "dashboard_widgets";

/** The grid is 24 wide: three graphs stand beside each other. Without a position, each widget takes the next free place. */
const HEADING_SIZE = { width: 24, height: 1 } as const;
const GRAPH_SIZE = { width: 8, height: 6 } as const;

const PERIOD_SECONDS = 300;

/** What CloudWatch knows a metric by. */
export interface Metric {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** One curve. */
export interface Line extends Metric {
  /** For people. */
  readonly label: string;
  readonly statistic: "Sum" | "Maximum" | "Minimum" | "Average" | "p50" | "p99";
}

export interface Graph {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** A feature's row, as CloudWatch's dashboard body has it: a heading, and below it the graphs. */
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
  /** The features whose rows it shows, in this order. */
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
