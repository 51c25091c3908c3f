/** Small parts of every view: icons, badges, tabs, filters, states of loading. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Health } from "../../contract";
import { whole } from "../format";
import { isGone, isWithoutSession, type Live } from "../live";
import { filter } from "../router";

/** Distinct shapes, not only colours: disc with tick, diamond with cross, triangle, square with pause, dashed ring. */
const SHAPES: Readonly<Record<Health, JSX.Element>> = {
  up: (
    <>
      <circle cx="8" cy="8" r="7.5" fill="currentColor" />
      <path d="M4.5 8.2 7 10.7l4.6-5" fill="none" class="cut" />
    </>
  ),
  down: (
    <>
      <path d="M8 .4 15.6 8 8 15.6.4 8z" fill="currentColor" />
      <path d="M5.7 5.7l4.6 4.6m0-4.6-4.6 4.6" class="cut" />
    </>
  ),
  degraded: (
    <>
      <path d="M8 .8 15.6 14.6H.4z" fill="currentColor" />
      <path d="M8 5.4v4.2m0 1.6v1.6" class="cut" />
    </>
  ),
  maintenance: (
    <>
      <rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor" />
      <path d="M6 4.5v7m4-7v7" class="cut" />
    </>
  ),
  unknown: (
    <circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.6 2.1" />
  ),
};

/** @param label for a screen reader. @default none: the text beside it says the same */
export function Icon({ health, label }: { readonly health: Health; readonly label?: string }): JSX.Element {
  return (
    <span class={`icon-box ${health}`}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {SHAPES[health]}
      </svg>
      {label !== undefined && <span class="hidden">{label}</span>}
    </span>
  );
}

/** A state as a word with its icon. */
export function Badge({ health, text }: { readonly health: Health; readonly text: string }): JSX.Element {
  return (
    <span class={`badge ${health}`}>
      <Icon health={health} /> {text}
    </span>
  );
}

export interface Tab {
  readonly value: string;
  readonly label: string;
  readonly count?: number;
}

interface TabsProps {
  readonly label: string;
  /** The filter of the address that the tabs set. */
  readonly name: string;
  readonly tabs: readonly Tab[];
  readonly current: string;
}

/** Filters with counts. The first is the default, which the address does not have. */
export function Tabs({ label, name, tabs, current }: TabsProps): JSX.Element {
  return (
    <TabRow label={label} current={current}>
      {tabs.map(({ value, label: text, count }, index) => (
        <button
          type="button"
          key={value}
          aria-pressed={value === current}
          onClick={() => {
            filter({ [name]: index === 0 ? "" : value, from: "" });
          }}
        >
          {text} {count !== undefined && <span class="count">{whole(count)}</span>}
        </button>
      ))}
    </TabRow>
  );
}

interface TabRowProps extends Pick<TabsProps, "label" | "current"> {
  /** Buttons; that of `current` is pressed. */
  readonly children: ComponentChildren;
}

/** Tabs, of which the current one shows, also where they are wider than the screen. */
export function TabRow({ label, current, children }: TabRowProps): JSX.Element {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    row.current?.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <div class="tabs" role="group" aria-label={label} ref={row}>
      {children}
    </div>
  );
}

interface SearchProps {
  readonly label: string;
  readonly value: string;
  readonly name: string;
}

/** A text filter of the address. */
export function Filter({ label, value, name }: SearchProps): JSX.Element {
  return (
    <input
      class="query"
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      onInput={({ currentTarget }) => {
        filter({ [name]: currentTarget.value, from: "" });
      }}
    />
  );
}

interface LoadedProps<Data> {
  readonly live: Live<Data>;
  readonly children: (data: NonNullable<Data>) => ComponentChildren;
  /** Of a view that is null. @default nothing to show */
  readonly empty?: ComponentChildren;
}

/** What was read; before that, that it is loading; above it, why a poll failed. Of what is gone, no more than that. */
export function Loaded<Data>({ live: { data, error, reload }, children, empty }: LoadedProps<Data>): JSX.Element {
  if (error !== undefined && isGone(error))
    return (
      <div role="status">
        <Empty>{error.message}</Empty>
      </div>
    );
  return (
    <>
      {error !== undefined && !isWithoutSession(error) && (
        <Failure error={error} reload={reload} stale={data !== undefined} />
      )}
      {data === undefined ? (
        error === undefined && <Loading />
      ) : data === null ? (
        <Empty>{empty ?? "There is nothing to show."}</Empty>
      ) : (
        children(data)
      )}
    </>
  );
}

interface FailureProps {
  readonly error: Error;
  readonly reload: () => void;
  readonly stale: boolean;
}

function Failure({ error, reload, stale }: FailureProps): JSX.Element {
  // What fetch throws when there is no server.
  const hasNoServer = error instanceof TypeError;
  return (
    <div class="alert down" role="alert">
      <Icon health="down" />
      <div>
        <p>
          <b>{hasNoServer ? "The console's server does not respond." : "This could not be read."}</b>{" "}
          {stale && "What is below was read before."}
        </p>
        <p class="detail">
          {hasNoServer
            ? "It ended, or npm start did. Start that again: npm start, or npx almanac console"
            : error.message}
        </p>
      </div>
      <button type="button" onClick={reload}>
        Try again
      </button>
    </div>
  );
}

export function Loading(): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <div class="empty">{children}</div>;
}

interface PanelProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  readonly class?: string;
}

export function Panel({ title, children, aside, class: name = "" }: PanelProps): JSX.Element {
  const id = `panel-${title.toLowerCase().replaceAll(/\W+/g, "-")}`;
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Text of any length and content, as it is. */
export function Code({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <pre class="code" role="region" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}

/** Why parts of a view could not be read; nothing when all were. */
export function Unread({ reasons }: { readonly reasons: readonly string[] }): JSX.Element | null {
  if (reasons.length === 0) return null;
  return (
    <div class="alert degraded" role="alert">
      <Icon health="degraded" />
      <div>
        <p>
          <b>Some parts could not be read.</b>
        </p>
        {reasons.map((reason) => (
          <p class="detail" key={reason}>
            {reason}
          </p>
        ))}
      </div>
    </div>
  );
}
