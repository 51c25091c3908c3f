/** The page of the console: header, navigation, the view of an address. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { hasPage, type EnvironmentView } from "../contract";
import { setServerTime } from "./components/clock";
import { Empty, Icon, Loading } from "./components/parts";
import { Help, useKeys } from "./components/keys";
import { Environment, isWithoutSession, useLive } from "./live";
import { href, usePlace, type Place } from "./router";
import { Heartbeats, Monitor } from "./screens/heartbeats";
import { Overview } from "./screens/overview";
import { Timer, Timers } from "./screens/timers";

interface Screen {
  readonly title: string;
  readonly content: ComponentChildren;
}

export function App(): JSX.Element {
  const place = usePlace();
  const { data: environment, error } = useLive("environment");
  if (environment !== undefined) setServerTime(environment.now);
  const screen = screenAt(place);
  const name = environment === undefined ? "" : ` · ${environment.app} ${environment.name}`;
  useEffect(() => {
    document.title = `${screen.title}${name} · console`;
  }, [screen.title, name]);
  const [help, setHelp] = useState(false);
  const pages = pagesOf(environment);
  useKeys(pages, setHelp);
  return (
    <Environment.Provider value={environment}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header environment={environment} place={place} onHelp={setHelp} />
      <main id="main" tabIndex={-1}>
        {isWithoutSession(error) ? (
          <NoSession />
        ) : (
          <>
            <h1>{screen.title}</h1>
            {environment === undefined && error === undefined ? <Loading /> : screen.content}
          </>
        )}
      </main>
      {help && (
        <Help
          features={pages}
          onClose={() => {
            setHelp(false);
          }}
        />
      )}
    </Environment.Provider>
  );
}

/** The deployed features with a page. */
function pagesOf(environment: EnvironmentView | undefined): readonly string[] {
  return (environment?.features ?? []).filter(hasPage);
}

function screenAt({ path, query }: Place): Screen {
  const [room = "", ...rest] = path;
  switch (room) {
    case "":
      return { title: "Overview", content: <Overview /> };
    case "heartbeats": {
      const [name] = rest;
      return name === undefined
        ? { title: "Heartbeats", content: <Heartbeats query={query} /> }
        : { title: name, content: <Monitor name={name} key={name} /> };
    }
    case "timers": {
      const [kind, id] = rest;
      return kind === undefined || id === undefined
        ? { title: "Timers", content: <Timers query={query} /> }
        : { title: id, content: <Timer kind={kind} id={id} key={`${kind} ${id}`} /> };
    }
    default:
      return { title: "Not here", content: <Empty>The console has no page at this address.</Empty> };
  }
}

interface HeaderProps {
  readonly environment: EnvironmentView | undefined;
  readonly place: Place;
  readonly onHelp: (open: boolean) => void;
}

function Header({ environment, place, onHelp }: HeaderProps): JSX.Element {
  const nav = useRef<HTMLElement>(null);
  const [room = ""] = place.path;
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [room]);
  const rooms = ["", ...pagesOf(environment)];
  return (
    <header class="top">
      <p class="brand">
        <b>Almanac</b> {environment !== undefined && <span class="environment">{environment.name}</span>}
      </p>
      <nav aria-label="Views" ref={nav}>
        {rooms.map((name) => (
          <a key={name} href={name === "" ? "/" : href(name)} aria-current={name === room ? "page" : undefined}>
            {name === "" ? "overview" : name}
          </a>
        ))}
      </nav>
      <button
        type="button"
        class="quiet"
        aria-label="Keyboard shortcuts"
        onClick={() => {
          onHelp(true);
        }}
      >
        ?
      </button>
    </header>
  );
}

function NoSession(): JSX.Element {
  return (
    <section class="empty big">
      <h1>
        <Icon health="unknown" /> This browser has no session here
      </h1>
      <p>An address of the console is good for one visit. Print a new one:</p>
      <pre class="code">npx almanac open console</pre>
      <p class="calm">For another environment than local, run its console again: npx almanac console --env staging</p>
    </section>
  );
}
