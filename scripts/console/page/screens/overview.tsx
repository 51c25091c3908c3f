/** The overview: failures, late items, last and next runs; the architecture. */
import type { JSX } from "preact";
import type { Finding, NextView, OverviewView, RunView } from "../../contract";
import { Time } from "../components/clock";
import { Diagram } from "../components/diagram";
import { Empty, Icon, Loaded, Panel, Unread } from "../components/parts";
import { span } from "../format";
import { useLive } from "../live";
import { href } from "../router";

export function Overview(): JSX.Element {
  const overview = useLive("overview");
  return (
    <Loaded live={overview}>
      {(view) => (
        <>
          <Features view={view} />
          <Unread reasons={view.unread} />
          <div class="columns">
            <Panel title="Failed">
              <Findings findings={view.failed} calm="Nothing has failed lately." />
            </Panel>
            <Panel title="Late">
              <Findings findings={view.late} calm="Nothing is late." />
            </Panel>
          </div>
          <Architecture />
          <div class="columns">
            <Panel title="Ran last">
              <Runs runs={view.recent} />
            </Panel>
            <Panel title="Runs next">
              <Upcoming next={view.next} />
            </Panel>
          </div>
        </>
      )}
    </Loaded>
  );
}

function Features({ view: { features } }: { readonly view: OverviewView }): JSX.Element {
  return (
    <nav class="features" aria-label="Features">
      {features.map(({ name, health, headline }) => (
        <a key={name} href={href(name)} class={`feature ${health}`}>
          <b>
            <Icon health={health} label={`${health}:`} /> {name}
          </b>
          <span>{headline}</span>
        </a>
      ))}
    </nav>
  );
}

function Findings({ findings, calm }: { readonly findings: readonly Finding[]; readonly calm: string }): JSX.Element {
  if (findings.length === 0)
    return (
      <Empty>
        <Icon health="up" /> {calm}
      </Empty>
    );
  return (
    <ul class="rows">
      {findings.map(({ severity, title, detail, at, href: to }) => (
        <li key={`${title} ${at ?? ""}`}>
          <Icon health={severity} label={`${severity}:`} />
          <Line to={to} title={title} detail={detail} />
          {at !== undefined && <Time at={at} />}
        </li>
      ))}
    </ul>
  );
}

function Runs({ runs }: { readonly runs: readonly RunView[] }): JSX.Element {
  if (runs.length === 0) return <Empty>No function has run in the last minutes.</Empty>;
  return (
    <ul class="rows">
      {runs.map(({ functionName, requestId, at, ok, durationMs }) => (
        <li key={requestId}>
          <Icon health={ok ? "up" : "down"} label={ok ? "succeeded:" : "failed:"} />
          <Line
            to={`/logs?id=${encodeURIComponent(requestId)}`}
            title={functionName}
            detail={durationMs === undefined ? "" : span(durationMs)}
          />
          <Time at={at} />
        </li>
      ))}
    </ul>
  );
}

function Upcoming({ next }: { readonly next: readonly NextView[] }): JSX.Element {
  if (next.length === 0) return <Empty>Nothing is scheduled.</Empty>;
  return (
    <ul class="rows">
      {next.map(({ feature, title, detail, at, href: to }) => (
        <li key={`${feature} ${title} ${at}`}>
          <Line to={to} title={title} detail={detail} />
          <Time at={at} />
        </li>
      ))}
    </ul>
  );
}

interface LineProps {
  /** The address of a page. */
  readonly to: string;
  readonly title: string;
  readonly detail: string;
}

function Line({ to, title, detail }: LineProps): JSX.Element {
  return (
    <div class="line">
      <a href={to}>{title}</a>
      {detail !== "" && <span class="detail">{detail}</span>}
    </div>
  );
}

function Architecture(): JSX.Element {
  const architecture = useLive("architecture");
  const { data: activity } = useLive("activity");
  return (
    <Panel title="Architecture" aside={<span class="calm">as deployed; lit where a function has just run</span>}>
      <Loaded live={architecture}>
        {({ drawings }) => (
          <div class="drawings">
            {drawings.map((drawing) => (
              <section key={drawing.feature} aria-label={drawing.feature}>
                <h3>{drawing.feature}</h3>
                <Diagram drawing={drawing} activity={activity?.functions ?? {}} />
              </section>
            ))}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
