/** The bars of a monitor's days. */
import type { JSX } from "preact";
import type { DaySummary } from "../../../../functions/heartbeats/status-page/document";
import { percent } from "../../../../functions/heartbeats/status-page/status-format";

type Band = "down" | "degraded" | "maintenance" | "none" | "before" | "up";

/** From the top: as on the status page. */
const HEIGHTS: Readonly<Record<Band, string>> = {
  up: "M3.5 32V0",
  down: "M3.5 12V0",
  degraded: "M3.5 32V16",
  maintenance: "M3.5 32V10",
  none: "M3.5 32V24",
  before: "M3.5 32V30",
};

function bandOf({ up, degraded, down, maintenance, noData }: DaySummary): Band {
  if (down > 0) return "down";
  if (degraded > 0) return "degraded";
  if (up > 0) return "up";
  if (maintenance > 0) return "maintenance";
  return noData > 0 ? "none" : "before";
}

/** A bar for each of 90 days. */
export function Days({ days, label }: { readonly days: readonly DaySummary[]; readonly label: string }): JSX.Element {
  const withIncidents = days.filter(({ down }) => down > 0).length;
  const summary = withIncidents === 0 ? "no day with downtime" : `${withIncidents} days with downtime`;
  return (
    <svg
      class="days"
      viewBox={`0 0 ${days.length * 10} 32`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}, ${days.length} days: ${summary}`}
      stroke-width="7"
    >
      {days.map((day, index) => {
        const band = bandOf(day);
        return (
          <g key={day.date} transform={`translate(${index * 10} 0)`}>
            <title>{`${day.date}: ${describe(day, band)}`}</title>
            {band === "down" && <path d="M3.5 32V12" />}
            <path class={band === "up" ? "" : band} d={HEIGHTS[band]} />
          </g>
        );
      })}
    </svg>
  );
}

function describe({ up, degraded, down }: DaySummary, band: Band): string {
  if (band === "before") return "not monitored yet";
  if (up + degraded + down === 0) return band === "maintenance" ? "maintenance" : "no data";
  return `${percent((up + degraded) / (up + degraded + down))} up`;
}
