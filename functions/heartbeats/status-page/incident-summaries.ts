/** Incidents of all monitors with their timelines, as the status document has them. Pure. */
import { groupBy } from "../../shared/group-by";
import { isoSeconds } from "../../shared/time";
import type { IncidentUpdate } from "../monitors/incident-updates";
import { incidentId } from "../monitors/incidents";
import type { ClosedIncident, Incident, MonitorState } from "../monitors/state";
import type { IncidentSummary, TimelineEntry } from "./document";
import { publicMessage } from "./public-message";

interface IncidentRecord {
  readonly key: string;
  readonly name: string;
  readonly state: MonitorState | undefined;
  readonly history: { readonly incidents: readonly ClosedIncident[] };
}

/** Open ones first, then the latest. */
export function incidentSummaries(
  records: readonly IncidentRecord[],
  updates: readonly IncidentUpdate[],
): readonly IncidentSummary[] {
  const byIncident = groupBy(updates, ({ incident }) => incident);
  return records
    .flatMap(({ key, name, state, history }) => {
      const open = state?.incident ? [state.incident] : [];
      const { sampleUntil = 0 } = state ?? {};
      return [...open, ...history.incidents].map((incident) =>
        summaryOf(name, incidentId(key, incident), incident, sampleUntil, byIncident),
      );
    })
    .sort(openFirstThenLatest);
}

function summaryOf(
  monitor: string,
  id: string,
  incident: Incident & Partial<ClosedIncident>,
  sampleUntil: number,
  updates: ReadonlyMap<string, readonly IncidentUpdate[]>,
): IncidentSummary {
  const { openedAt, closedAt, closedBecause, severity, changes } = incident;
  return {
    id,
    monitor,
    ...(openedAt < sampleUntil && { sample: true as const }),
    openedAt: isoSeconds(openedAt),
    closedAt: closedAt === undefined ? null : isoSeconds(closedAt),
    ...(closedBecause !== undefined && { closedBecause }),
    severity: changes.some((change) => change.severity === "down") ? "down" : severity,
    message: publicMessage(incident),
    timeline: timelineOf(incident, updates.get(id) ?? []),
  };
}

function timelineOf(
  incident: Incident & Partial<ClosedIncident>,
  updates: readonly IncidentUpdate[],
): readonly TimelineEntry[] {
  const { openedAt, closedAt, closedBecause, changes } = incident;
  // A change has what was before it: severities and reasons begin one entry later than they end.
  const causes = [...changes, incident].map(
    (cause) => `${cause.severity === "down" ? "Down" : "Degraded"}: ${publicMessage(cause)}`,
  );
  const own = causes.map((text, index) => {
    const at = changes[index - 1]?.until ?? openedAt;
    return { time: at, kind: index === 0 ? ("opened" as const) : ("changed" as const), text };
  });
  const closed =
    closedAt === undefined
      ? []
      : [
          {
            time: closedAt,
            kind: "closed" as const,
            text: closedBecause === undefined ? "Up again" : `Closed: ${closedBecause}`,
          },
        ];
  const said = updates.map(({ at, status, text }) => ({ time: at, kind: status, text }));
  return [...own, ...closed, ...said]
    .sort((a, b) => a.time - b.time)
    .map(({ time, kind, text }) => ({ at: isoSeconds(time), kind, text }));
}

function openFirstThenLatest(a: IncidentSummary, b: IncidentSummary): number {
  if ((a.closedAt === null) !== (b.closedAt === null)) return a.closedAt === null ? -1 : 1;
  return a.openedAt === b.openedAt ? (a.id < b.id ? -1 : 1) : a.openedAt < b.openedAt ? 1 : -1;
}
