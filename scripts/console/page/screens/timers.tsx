/** The views of timers and of one timer. */
import type { JSX } from "preact";
import { useCallback, useState } from "preact/hooks";
import {
  TIMER_STATES,
  type Health,
  type LatenessView,
  type Query,
  type TimerSummary,
  type TimerView,
} from "../../contract";
import { ActionButton } from "../components/action";
import { Instants, Time } from "../components/clock";
import { Badge, Code, Empty, Filter, Loaded, Panel, Tabs } from "../components/parts";
import { WindowList } from "../components/window-list";
import { counted, pretty, span, whole } from "../format";
import { useLive } from "../live";
import { href } from "../router";

const HEALTH: Readonly<Record<TimerSummary["state"], Health>> = {
  late: "down",
  scheduled: "up",
  disabled: "maintenance",
  ended: "unknown",
};

const KINDS = ["all", "periodic", "oneshot"] as const;

export function Timers({ query }: { readonly query: Query }): JSX.Element {
  const { q = "", state = "all", kind = "all" } = query;
  const filters = JSON.stringify([q, state, kind]);
  const [window, setWindow] = useState({ of: filters, from: 0 });
  const from = window.of === filters ? window.from : 0;
  const live = useLive("timers", {
    ...(q !== "" && { q }),
    ...(state !== "all" && { state }),
    ...(kind !== "all" && { kind }),
    ...(from > 0 && { from: String(from) }),
  });
  const need = useCallback(
    (first: number) => {
      setWindow({ of: filters, from: first });
    },
    [filters],
  );
  return (
    <Loaded live={live}>
      {({ counts, total, from: first, timers, queued, deadLetters, unreadable }) => (
        <>
          <div class="tools">
            <Tabs
              label="State"
              name="state"
              current={state}
              tabs={TIMER_STATES.map((value) => ({ value, label: value, count: counts[value] }))}
            />
            <Tabs
              label="Kind"
              name="kind"
              current={kind}
              tabs={KINDS.map((value) => ({ value, label: value === "all" ? "any kind" : value }))}
            />
            <Filter label="Id" name="q" value={q} />
            <ActionButton name="timers.put" onDone={live.reload} />
            <span class="calm">
              {counted(queued, "fire")} queued
              {unreadable.length > 0 && (
                <>
                  {" · "}
                  <Badge
                    health="down"
                    text={`${whole(unreadable.length)} unreadable: ${unreadable.slice(0, 3).join(", ")}`}
                  />
                </>
              )}
              {deadLetters > 0 && (
                <>
                  {" · "}
                  <Badge health="down" text={`${whole(deadLetters)} dead`} />
                </>
              )}
            </span>
          </div>
          {total === 0 ? (
            <Empty>
              {counts.all === 0 && q === "" && kind === "all"
                ? 'There are no timers. Set one: npx almanac timers put tea --every "15 minutes"'
                : "No timer matches."}
            </Empty>
          ) : (
            <WindowList
              key={filters}
              label={counted(total, "timer")}
              columns={["id", "schedule", "next fire", "state"]}
              total={total}
              from={first}
              rows={timers}
              keyOf={({ kind: own, id }) => `${own} ${id}`}
              onNeed={need}
            >
              {(timer) => [
                <a href={href("timers", timer.kind, timer.id)}>{timer.id}</a>,
                timer.schedule,
                timer.nextFireAt === null ? "–" : <Time at={timer.nextFireAt} />,
                <Badge health={HEALTH[timer.state]} text={timer.state} />,
              ]}
            </WindowList>
          )}
          <Lateness />
        </>
      )}
    </Loaded>
  );
}

function Lateness(): JSX.Element {
  const live = useLive("lateness");
  return (
    <Panel title="How late fires were">
      <Loaded live={live}>
        {(view) => (view.fires === 0 ? <Empty>No fire is recorded yet.</Empty> : <Histogram view={view} />)}
      </Loaded>
    </Panel>
  );
}

function Histogram({
  view: { buckets, fires, p50Ms, p99Ms, isComplete },
}: {
  readonly view: LatenessView;
}): JSX.Element {
  const largest = Math.max(1, ...buckets.map((bucket) => bucket.fires));
  return (
    <>
      <ul class="histogram" aria-label={`Lateness of ${counted(fires, "fire")}`}>
        {buckets.map(({ upToMs, fires: count }, index) => {
          const before = buckets[index - 1]?.upToMs ?? 0;
          return (
            <li key={upToMs ?? "more"}>
              <span>{upToMs === null ? `${span(before)} or more` : `< ${span(upToMs)}`}</span>
              <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(100 * count) / largest} height="1" />
              </svg>
              <span>{whole(count)}</span>
            </li>
          );
        })}
      </ul>
      <p class="calm">
        {counted(fires, "fire")} of the last seven days{!isComplete && ", a sample"}
        {p50Ms !== null && `, median ${span(p50Ms)}`}
        {p99Ms !== null && `, 99 % within ${span(p99Ms)}`}
      </p>
    </>
  );
}

export function Timer({ kind, id }: { readonly kind: string; readonly id: string }): JSX.Element {
  const live = useLive("timer", { kind, id });
  return <Loaded live={live}>{(view) => <TimerDetails view={view} onDone={live.reload} />}</Loaded>;
}

interface DetailsProps {
  readonly view: TimerView;
  readonly onDone: () => void;
}

function TimerDetails({ view: { timer, json, change, preview, fires }, onDone }: DetailsProps): JSX.Element {
  const values = { kind: timer.kind, id: timer.id };
  return (
    <>
      <div class="state-line">
        <Badge health={HEALTH[timer.state]} text={timer.state} /> {timer.kind}, {timer.schedule}, {timer.shard}
        <span class="buttons">
          <ActionButton name="timers.fire" values={values} onDone={onDone} />
          <ActionButton
            name={timer.kind === "oneshot" ? "timers.changeOnce" : "timers.change"}
            values={change}
            onDone={onDone}
          />
          {timer.state === "disabled" ? (
            <ActionButton name="timers.resume" values={values} onDone={onDone} />
          ) : (
            <ActionButton name="timers.pause" values={values} onDone={onDone} />
          )}
          <ActionButton name="timers.delete" values={values} onDone={onDone} />
        </span>
      </div>
      <div class="columns">
        <Panel title="Next fires">
          {preview.length === 0 ? <Empty>It does not fire again.</Empty> : <Instants at={preview} />}
        </Panel>
        <Panel title="Fires">
          <Fires fires={fires} />
        </Panel>
      </div>
      <Panel title="As the API answers it">
        <Code text={pretty(json)} label="The timer as JSON" />
      </Panel>
    </>
  );
}

function Fires({ fires }: { readonly fires: TimerView["fires"] }): JSX.Element {
  if (fires.length === 0) return <Empty>No fire of the last seven days is recorded.</Empty>;
  return (
    <ul class="rows scrolling" tabIndex={0}>
      {fires.map(({ dueAt, latenessMs, outcome, attempts }) => (
        <li key={dueAt}>
          <div class="line">
            <Time at={dueAt} as="local" />
            <Badge health={outcome === "succeeded" ? "up" : "down"} text={outcome} />
          </div>
          <span>
            {span(latenessMs)} late{attempts > 1 && `, attempt ${whole(attempts)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
