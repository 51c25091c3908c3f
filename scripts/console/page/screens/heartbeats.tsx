/** The views of monitors and of one monitor. */
import type { JSX } from "preact";
import type { IncidentSummary, MonitorStatus } from "../../../../functions/heartbeats/status-page/document";
import { ActionButton } from "../components/action";
import { latency, percent, STATES } from "../../../../functions/heartbeats/status-page/status-format";
import type { MonitorView, Query } from "../../contract";
import { LatencyChart } from "../components/chart";
import { Since, Time } from "../components/clock";
import { Days } from "../components/days";
import { Badge, Empty, Filter, Icon, Loaded, Panel, Tabs } from "../components/parts";
import { span } from "../format";
import { useLive } from "../live";
import { href } from "../router";

export function Heartbeats({ query }: { readonly query: Query }): JSX.Element {
  const live = useLive("heartbeats");
  return (
    <Loaded live={live} empty="Nothing has been checked yet: the first check is running.">
      {({ monitors, incidents, generatedAt, isStale, statusPageUrl }) => {
        const { q = "", state = "all" } = query;
        const matching = monitors.filter(({ name }) => name.includes(q.toLowerCase()));
        const shown = matching.filter((monitor) => state === "all" || monitor.state === state);
        return (
          <>
            {isStale && (
              <div class="alert down" role="alert">
                <Icon health="down" />
                <p>
                  <b>
                    No check has run since <Time at={generatedAt} as="local" />.
                  </b>{" "}
                  What is below is from that time.
                </p>
              </div>
            )}
            <div class="tools">
              <Tabs
                label="State"
                name="state"
                current={state}
                tabs={[
                  { value: "all", label: "all", count: matching.length },
                  ...STATES.map((value) => ({
                    value,
                    label: value,
                    count: matching.filter((monitor) => monitor.state === value).length,
                  })),
                ]}
              />
              <Filter label="Monitor" name="q" value={q} />
              <ActionButton name="heartbeats.check" onDone={live.reload} />
              <span class="calm">
                as of <Time at={generatedAt} />
                {statusPageUrl !== undefined && (
                  <>
                    {" · "}
                    <a href={statusPageUrl} target="_blank" rel="noreferrer">
                      status page
                    </a>
                  </>
                )}
              </span>
            </div>
            {shown.length === 0 ? (
              <Empty>No monitor matches.</Empty>
            ) : (
              <ul class="monitors">
                {[...shown].sort(bySeverity).map((monitor) => (
                  <MonitorEntry key={monitor.name} monitor={monitor} />
                ))}
              </ul>
            )}
            <Panel title="Incidents">
              <Incidents incidents={incidents} onDone={live.reload} />
            </Panel>
          </>
        );
      }}
    </Loaded>
  );
}

function bySeverity(a: MonitorStatus, b: MonitorStatus): number {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state);
}

function MonitorEntry({ monitor }: { readonly monitor: MonitorStatus }): JSX.Element {
  const { name, state, since, lastCheck, windows, days } = monitor;
  return (
    <li>
      <div class="who">
        <h2>
          <Icon health={state} />
          <a href={href("heartbeats", name)}>{name}</a>
        </h2>
        <p class="detail">
          {state}
          {since !== null && (
            <>
              {" for "}
              <Since at={since} />
            </>
          )}
          {lastCheck?.ok === false && `: ${lastCheck.message ?? "the last check failed"}`}
        </p>
      </div>
      <Days days={days} label={name} />
      <dl class="figures">
        <Fact label="24 h uptime" value={percent(windows["24h"].uptime)} />
        <Fact label="90 d uptime" value={percent(windows["90d"].uptime)} />
        {monitor.kind === "target" && <Fact label="p95, 24 h" value={latency(windows["24h"].p95Ms)} />}
      </dl>
    </li>
  );
}

function Fact({ label, value }: { readonly label: string; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface IncidentsProps {
  readonly incidents: readonly IncidentSummary[];
  readonly onDone: () => void;
}

function Incidents({ incidents, onDone }: IncidentsProps): JSX.Element {
  if (incidents.length === 0) return <Empty>None in the last 90 days.</Empty>;
  return (
    <ul class="rows">
      {incidents.map(({ id, monitor, severity, openedAt, closedAt, message }) => (
        <li key={id}>
          <Icon health={closedAt === null ? severity : "up"} label={closedAt === null ? "open:" : "closed:"} />
          <div class="line">
            <a href={href("heartbeats", monitor)}>{monitor}</a>
            <span class="detail">{message}</span>
            <ActionButton
              name={closedAt === null ? "incidents.update" : "incidents.resolve"}
              values={{ id }}
              onDone={onDone}
            />
          </div>
          <span class="when">
            <Time at={openedAt} as="local" />
            <br />
            {closedAt === null ? (
              <>
                open for <Since at={openedAt} />
              </>
            ) : (
              span(Date.parse(closedAt) - Date.parse(openedAt))
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Monitor({ name }: { readonly name: string }): JSX.Element {
  const live = useLive("monitor", { name });
  return <Loaded live={live}>{(view) => <MonitorDetails view={view} onDone={live.reload} />}</Loaded>;
}

function MonitorDetails({ view, onDone }: { readonly view: MonitorView; readonly onDone: () => void }): JSX.Element {
  const { monitor, incidents, checks, days, hours } = view;
  const { state, since, lastCheck, windows } = monitor;
  return (
    <>
      <p class="state-line">
        <Badge health={state} text={state} />
        {since !== null && (
          <>
            {" since "}
            <Time at={since} as="local" />
          </>
        )}
        {lastCheck?.ok === false && <span class="detail">{lastCheck.message}</span>}
      </p>
      <div class="history-of">
        <Days days={monitor.days} label={monitor.name} />
        <p class="ends" aria-hidden="true">
          <span>90 days ago</span>
          <span>today</span>
        </p>
      </div>
      <dl class="figures">
        {(["24h", "7d", "30d", "90d"] as const).map((window) => (
          <Fact key={window} label={`${window} uptime`} value={percent(windows[window].uptime)} />
        ))}
        {monitor.kind === "target" &&
          (["p50Ms", "p95Ms", "p99Ms"] as const).map((name) => (
            <Fact key={name} label={`${name.slice(0, 3)}, 24 h`} value={latency(windows["24h"][name])} />
          ))}
      </dl>
      {monitor.kind === "target" && (
        <div class="columns">
          <Panel title="Latency by hour, a week">
            <LatencyChart title="Latency by hour" series={hours} />
          </Panel>
          <Panel title="Latency by day, 90 days">
            <LatencyChart title="Latency by day" series={days} />
          </Panel>
        </div>
      )}
      {typeof monitor.nextDue === "string" && (
        <p>
          Its next report is due <Time at={monitor.nextDue} />.
        </p>
      )}
      <div class="columns">
        <Panel title="Incidents">
          <Incidents incidents={incidents} onDone={onDone} />
        </Panel>
        {monitor.kind === "target" && (
          <Panel title="Checks">
            {checks.length === 0 ? (
              <Empty>No check is recorded.</Empty>
            ) : (
              <ul class="rows scrolling" tabIndex={0}>
                {checks.map(({ at, ok, latencyMs, reason }) => (
                  <li key={at}>
                    <Icon health={ok ? "up" : "down"} label={ok ? "passed:" : "failed:"} />
                    <div class="line">
                      <span>{latency(latencyMs)}</span>
                      <span class="detail">{reason}</span>
                    </div>
                    <Time at={at} />
                  </li>
                ))}
              </ul>
            )}
          </Panel>
        )}
      </div>
    </>
  );
}
