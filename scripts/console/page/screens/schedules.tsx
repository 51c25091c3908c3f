/** The views of schedules and of one schedule. */
import type { JSX } from "preact";
import type { Health, Query, ScheduleDetailsView, SchedulesView } from "../../contract";
import { ActionButton } from "../components/action";
import { Instants, Time } from "../components/clock";
import { Badge, Code, Empty, Filter, Loaded, Panel, Tabs } from "../components/parts";
import { pretty, span } from "../format";
import { useLive } from "../live";
import { href } from "../router";

type Listed = SchedulesView["schedules"][number];

const STATE_HEALTH: Readonly<Record<Listed["state"], Health>> = {
  enabled: "up",
  paused: "maintenance",
  disabled: "unknown",
};

const OUTCOME_HEALTH: Readonly<Record<NonNullable<Listed["lastOutcome"]>, Health>> = {
  queued: "unknown",
  running: "maintenance",
  retrying: "degraded",
  succeeded: "up",
  failed: "down",
  missed: "down",
  skipped: "degraded",
};

const OWNERS = ["all", "main.ts", "almanac"] as const;

export function Schedules({ query }: { readonly query: Query }): JSX.Element {
  const { q = "", of = "all" } = query;
  const live = useLive("schedules");
  return (
    <Loaded live={live}>
      {({ schedules }) => {
        const matching = schedules.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
        const owned = (owner: string) => matching.filter((each) => owner === "all" || each.of === owner);
        const shown = owned(of).toSorted((a, b) => Number(isFailed(b)) - Number(isFailed(a)));
        return (
          <>
            <div class="tools">
              <Tabs
                label="Whose"
                name="of"
                current={of}
                tabs={OWNERS.map((value) => ({
                  value,
                  label: value === "almanac" ? "of features" : value,
                  count: owned(value).length,
                }))}
              />
              <Filter label="Schedule" name="q" value={q} />
            </div>
            {shown.length === 0 ? (
              <Empty>
                {schedules.length === 0
                  ? 'Nothing is scheduled. A function of your own on a schedule is an entry "schedules" in main.ts.'
                  : "No schedule matches."}
              </Empty>
            ) : (
              <ul class="rows cards">
                {shown.map((schedule) => (
                  <Entry key={`${schedule.of} ${schedule.name}`} schedule={schedule} onDone={live.reload} />
                ))}
              </ul>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function isFailed({ lastOutcome }: Listed): boolean {
  return lastOutcome !== undefined && OUTCOME_HEALTH[lastOutcome] === "down";
}

function Entry({ schedule, onDone }: { readonly schedule: Listed; readonly onDone: () => void }): JSX.Element {
  const { name, of, schedule: expression, timeZone, state, nextAt, lastAt, lastOutcome } = schedule;
  return (
    <li>
      <div class="line">
        {of === "main.ts" ? <a href={href("schedules", name)}>{name}</a> : <span>{name}</span>}
        <span class="detail">
          {expression}
          {timeZone !== "UTC" && ` ${timeZone}`}
        </span>
        {state !== "enabled" && <Badge health={STATE_HEALTH[state]} text={state} />}
        {lastOutcome !== undefined && <Badge health={OUTCOME_HEALTH[lastOutcome]} text={lastOutcome} />}
      </div>
      <span class="when">
        {lastAt !== undefined && (
          <>
            ran <Time at={lastAt} />
          </>
        )}
        {nextAt !== undefined && (
          <>
            {lastAt !== undefined && ", "}
            next <Time at={nextAt} />
          </>
        )}
      </span>
      {of === "almanac" && <ActionButton name="schedules.tick" values={{ schedule: name }} onDone={onDone} />}
    </li>
  );
}

export function Schedule({ name }: { readonly name: string }): JSX.Element {
  const live = useLive("schedule", { name });
  return <Loaded live={live}>{(view) => <Details view={view} onDone={live.reload} />}</Loaded>;
}

function Details({ view, onDone }: { readonly view: ScheduleDetailsView; readonly onDone: () => void }): JSX.Element {
  const { name, schedule: expression, timeZone, state } = view.schedule;
  const values = { schedule: name };
  return (
    <>
      <div class="state-line">
        <Badge health={STATE_HEALTH[state]} text={state} /> {expression} {timeZone}
        <span class="buttons">
          <ActionButton name="schedules.run" values={values} onDone={onDone} />
          {state === "enabled" && <ActionButton name="schedules.pause" values={values} onDone={onDone} />}
          {state === "paused" && <ActionButton name="schedules.resume" values={values} onDone={onDone} />}
        </span>
      </div>
      <Panel title="Runs">
        {view.runs.length === 0 ? <Empty>It has not run yet.</Empty> : <Runs runs={view.runs} />}
      </Panel>
      <Panel title="Next runs">
        {view.preview.length === 0 ? <Empty>It does not run again.</Empty> : <Instants at={view.preview} />}
      </Panel>
    </>
  );
}

function Runs({ runs }: { readonly runs: ScheduleDetailsView["runs"] }): JSX.Element {
  return (
    <ul class="rows">
      {runs.map(({ run, scheduledAt, outcome, durationMs, attempt, result, reason }) => (
        <li key={run}>
          <div class="line">
            <Badge health={OUTCOME_HEALTH[outcome]} text={outcome} />
            <Time at={scheduledAt} as="local" />
            <span class="detail">
              {durationMs !== undefined && span(durationMs)}
              {attempt > 1 && `, attempt ${attempt}`}
            </span>
            {(result ?? reason) !== undefined && (
              <Code
                text={outcome === "succeeded" ? pretty(result ?? "") : (reason ?? result ?? "")}
                label={`Result of ${run}`}
              />
            )}
          </div>
          <a href={`/logs?id=${encodeURIComponent(run)}`}>log</a>
        </li>
      ))}
    </ul>
  );
}
