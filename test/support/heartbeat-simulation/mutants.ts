/** Mutants of heartbeats: one text of the source replaced by another. Some world must detect each. */
import type { SourceMutant } from "../simulation/source-mutants";

const MONITORS = "functions/heartbeats/monitors";
const INCIDENTS = `${MONITORS}/incidents.ts`;
const TRANSITION = `${MONITORS}/state-transition.ts`;
const APPLY = `${MONITORS}/apply-results.ts`;
const PROCESS = `${MONITORS}/process-check-results.ts`;
const RESULT = `${MONITORS}/check-result.ts`;
const POLICY = `${MONITORS}/policy.ts`;
const MAINTENANCE = `${MONITORS}/maintenance.ts`;
const JOB = `${MONITORS}/job.ts`;
const DELIVER = "functions/heartbeats/notifications/deliver.ts";
const PLAN = "functions/heartbeats/notifications/plan.ts";
const CANARIES = "functions/heartbeats/probe/canaries.ts";

export const MUTANTS: readonly SourceMutant[] = [
  // --- incidents ---
  {
    name: "calls what is degraded down",
    file: INCIDENTS,
    from: 'if (failures.filter(({ severity }) => severity === "down").length >= failuresBeforeDown) return "down";',
    to: 'if (failures.length >= failuresBeforeDown) return "down";',
  },
  {
    name: "opens incidents during maintenance",
    file: INCIDENTS,
    from: 'if (result.health !== "up" && maintenance) return { status: { ...before, recent: undefined } };',
    to: "",
  },
  {
    name: "counts failures before maintenance after it",
    file: INCIDENTS,
    from: "return { status: { ...before, recent: undefined } };",
    to: "return { status: before };",
  },
  {
    name: "counts what was not measured",
    file: INCIDENTS,
    from: 'if (result.health === "unknown") return { status: before };',
    to: "",
  },
  {
    name: "closes incidents one success too late",
    file: INCIDENTS,
    from: "up.length >= policy.successesBeforeUp)",
    to: "up.length > policy.successesBeforeUp)",
  },
  {
    name: "keeps a change of an incident to itself",
    file: INCIDENTS,
    from: 'outbox: enqueue(status.outbox, { kind: "changed", incident, raisedAt: tick, deliveredBy: [] }),',
    to: "",
  },
  {
    name: "counts failures for one check too long",
    file: INCIDENTS,
    from: ".filter(({ ago }) => ago < failuresWithin)",
    to: ".filter(({ ago }) => ago <= failuresWithin)",
  },
  {
    name: "counts the failures of an incident that is over",
    file: INCIDENTS,
    from: "recent: { ...status.recent, failures: [] },",
    to: "",
  },
  {
    name: "changes the reason at the first other failure",
    file: INCIDENTS,
    from: "sameReason.length >= policy.failuresBeforeDown",
    to: "sameReason.length >= 1",
  },
  {
    name: "takes one degraded check for the end of being down",
    file: INCIDENTS,
    from: "(notDown?.length ?? 0) >= policy.successesBeforeUp",
    to: "(notDown?.length ?? 0) >= 1",
  },
  {
    name: "never says that degraded has become down",
    file: INCIDENTS,
    from: 'if (result.health === "down" && incident.severity === "degraded" && severity === "down")',
    to: 'if (result.health === "up" && incident.severity === "degraded" && severity === "down")',
  },
  {
    name: "keeps only the latest notification",
    file: INCIDENTS,
    from: "incident: notified }].slice(-MAX_OUTBOX)",
    to: "incident: notified }].slice(-1)",
  },
  {
    name: "opens an incident at its last failure",
    file: INCIDENTS,
    from: "return first?.tick ?? tick;",
    to: "return first === undefined ? 0 : tick;",
  },

  // --- states and time ---
  {
    name: "applies a tick twice",
    file: TRANSITION,
    from: "tick <= before.lastTick",
    to: "tick < before.lastTick",
  },
  {
    name: "applies an earlier tick after a later one",
    file: TRANSITION,
    from: "tick <= before.lastTick",
    to: "tick === before.lastTick",
  },
  {
    name: "counts time without checks",
    file: TRANSITION,
    from: "isGap ? lastTick + intervalMs : until",
    to: "until",
  },
  {
    name: "counts nothing of the time before a gap",
    file: TRANSITION,
    from: "isGap ? lastTick + intervalMs : until",
    to: "isGap ? lastTick : until",
  },
  {
    name: "counts maintenance as up or down",
    file: TRANSITION,
    from: 'part.maintenance ? "maintenance" : lastCheck.health',
    to: "lastCheck.health",
  },
  {
    name: "counts time in two hours",
    file: TRANSITION,
    from: "to: Math.min(to, startOfUtcHour(start) + HOUR_MS)",
    to: "to",
  },
  {
    name: "loses the hours that end",
    file: TRANSITION,
    from: "hours: hours.filter(({ rollup }) => !isEmpty(rollup))",
    to: "hours: hours.slice(1)",
  },
  {
    name: "gives up after a write conflict",
    file: APPLY,
    from: "before = await table.readOne(key);\n  }",
    to: "}",
  },
  {
    name: "forgets notifications of the checker itself",
    file: PROCESS,
    from: " && (state?.outbox.length ?? 0) === 0) return [];",
    to: ") return [];",
  },
  {
    name: "takes what was not measured for a failure",
    file: RESULT,
    from: 'BROKEN_REASONS.has(reason) ? "unknown" : DEGRADED_REASONS',
    to: "DEGRADED_REASONS",
  },
  {
    name: "ignores how many checks failures count in",
    file: POLICY,
    from: "failuresWithin: target.failuresWithin ?? 2 * failuresBeforeDown - 1,",
    to: "failuresWithin: failuresBeforeDown,",
  },

  // --- clocks that change ---
  {
    name: "takes local times of maintenance for UTC",
    file: MAINTENANCE,
    from: "timeIn(window.zone, ",
    to: "timeIn(undefined, ",
  },
  {
    name: "begins maintenance by the offset of a wrong hour",
    file: MAINTENANCE,
    from: "return !isShown(before) && isShown(after) ? after : before;",
    to: "return local - offsetIn(zone, local);",
  },
  {
    name: "takes local times of jobs for UTC",
    file: JOB,
    from: "nextCronDue(cron, zone, last + EARLY_MS)",
    to: 'nextCronDue(cron, zone.slice(0, 0) || "UTC", last + EARLY_MS)',
  },
  {
    name: "expects a job again that was early",
    file: JOB,
    from: "last + EARLY_MS)",
    to: "last)",
  },
  {
    name: "grants no grace",
    file: JOB,
    from: "next + graceSeconds * SECOND_MS",
    to: "next + 0 * graceSeconds * SECOND_MS",
  },

  // --- the checker's own network ---
  {
    name: "judges targets during its own outage",
    file: CANARIES,
    from: "if (reached.includes(true)) return { results };",
    to: "if (reached.length > 0) return { results };",
  },
  {
    name: "blames its own network for targets",
    file: CANARIES,
    from: "if (reached.includes(true)) return { results };",
    to: "",
  },

  // --- deliveries ---
  {
    name: "sends later notifications of a monitor before earlier ones",
    file: DELIVER,
    from: "for (const { monitor } of message.parts) waiting.add(monitor);",
    to: "",
  },
  {
    name: "records deliveries before it makes them",
    file: DELIVER,
    from: "await withTimeout((signal) => notifier.send(message, signal), clock);",
    to: "await record(message.parts, notifier.name);\n      await withTimeout((signal) => notifier.send(message, signal), clock);",
  },
  {
    name: "is done when one notifier has delivered",
    file: DELIVER,
    from: "notifiers.every((name) => deliveredBy.includes(name))",
    to: "notifiers.some((name) => deliveredBy.includes(name))",
  },
  {
    name: "takes all changes of an incident for one",
    file: DELIVER,
    from: "a.raisedAt === b.raisedAt && ",
    to: "",
  },
  {
    name: "delivers in two runs at the same time",
    file: DELIVER,
    from: "if (await table.acquireDelivery({ owner, now, until: now + ROUND_MS + SEND_TIMEOUT_MS })) return;",
    to: "await table.acquireDelivery({ owner, now, until: now + ROUND_MS + SEND_TIMEOUT_MS });\n    return;",
  },
  {
    name: "delivers what another run has delivered",
    file: DELIVER,
    from: "state: current.get(each.key) ?? each.state",
    to: "state: each.state",
  },
  {
    name: "delivers again what it has delivered",
    file: PLAN,
    from: ".filter(({ deliveredBy }) => !deliveredBy.includes(notifier))",
    to: "",
  },
  {
    name: "leaves one out of a digest",
    file: PLAN,
    from: "...contentOf(reports, urls, options),",
    to: "...contentOf(reports.slice(1), urls, options),",
  },
  {
    name: "discards what it merges",
    file: PLAN,
    from: 'const [{ monitor, notification: latest } = { monitor: "", notification: undefined }] = parts.slice(-1);',
    to: 'const [{ monitor, notification: latest } = { monitor: "", notification: undefined }] = parts.splice(-1);\n      parts.length = 0;',
  },
  {
    name: "takes any notification for a reminder",
    file: PLAN,
    from: 'if (kind !== "reminder") return false;',
    to: "",
  },
  {
    name: "says the latest first",
    file: PLAN,
    from: "a.latest.raisedAt - b.latest.raisedAt",
    to: "b.latest.raisedAt - a.latest.raisedAt",
  },
];
