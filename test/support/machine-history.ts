/** Histories of executions, as Step Functions gives them. */
import type { MachineEvent } from "../../scripts/console/architecture/machine-run";

type Details = Partial<Omit<MachineEvent, "id" | "previousId" | "type">> & {
  /** The id of the event that led to it. @default the one before it */
  readonly after?: number;
};

const START = Date.parse("2026-11-21T07:00:00Z");

/** An event a second. @param before those that it goes on from */
export function historyOf(
  events: readonly (readonly [type: string, details?: Details])[],
  before: readonly MachineEvent[] = [],
): readonly MachineEvent[] {
  return [
    ...before,
    ...events.map(([type, { after, ...details } = {}], index) => {
      const id = before.length + index + 1;
      return { id, previousId: after ?? id - 1, type, at: START + (id - 1) * 1_000, ...details };
    }),
  ];
}
