/** The page of the console: header, navigation, the view of an address. */
import type { ComponentChildren, ComponentProps, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EnvironmentView } from "../contract";
import { ActionDialog, OpenAction } from "./components/action";
import { setServerTime } from "./components/clock";
import { ClockBar } from "./components/clock-bar";
import { Empty, Icon, Loading } from "./components/parts";
import { Help, useKeys } from "./components/keys";
import { Environment, isWithoutSession, useLive } from "./live";
import { href, usePlace, type Place } from "./router";
import { Export, Exports } from "./screens/exports";
import { Heartbeats, Monitor } from "./screens/heartbeats";
import { Logs } from "./screens/logs";
import { Overview } from "./screens/overview";
import { Message, Pipeline, Pipelines } from "./screens/pipelines";
import { Schedule, Schedules } from "./screens/schedules";
import { Search } from "./screens/search";
import { Timer, Timers } from "./screens/timers";
import { Task, Workflows } from "./screens/workflows";

interface Screen {
  readonly title: string;
  readonly content: ComponentChildren;
}

export function App(): JSX.Element {
  const place = usePlace();
  const { data: environment, error, reload } = useLive("environment");
  if (environment !== undefined) setServerTime(environment.now);
  const screen = screenAt(place);
  const name = environment === undefined ? "" : ` · ${environment.app} ${environment.name}`;
  useEffect(() => {
    document.title = `${screen.title}${name} · console`;
  }, [screen.title, name]);
  const [help, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const pages = pagesOf(environment);
  useKeys(pages, setHelp);
  const [action, setAction] = useState<ComponentProps<typeof ActionDialog>["action"]>();
  return (
    <Environment.Provider value={environment}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header environment={environment} place={place} onHelp={setHelp} />
      <OpenAction.Provider value={setAction}>
        {environment?.clock !== undefined && <ClockBar clock={environment.clock} onDone={reload} />}
        <main id="main" tabIndex={-1} ref={main}>
          {isWithoutSession(error) ? (
            <NoSession />
          ) : (
            <>
              <h1>{screen.title}</h1>
              {environment === undefined && error === undefined ? <Loading /> : screen.content}
            </>
          )}
        </main>
      </OpenAction.Provider>
      {action !== undefined && (
        <ActionDialog
          action={action}
          onClose={() => {
            setAction(undefined);
            // The browser has given the focus back to the button, unless the action has taken that away.
            const focused = document.activeElement ?? document.body;
            if (focused === document.body || focused.closest("dialog") !== null) main.current?.focus();
          }}
        />
      )}
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

/** The deployed features, then what all have in common. */
function pagesOf(environment: EnvironmentView | undefined): readonly string[] {
  // Features run on a schedule without schedules of one's own, too.
  const features = environment?.features ?? [];
  const rest = features.includes("schedules") ? ["logs", "search"] : ["schedules", "logs", "search"];
  return environment === undefined ? [] : [...features, ...rest];
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
    case "schedules": {
      const [name] = rest;
      return name === undefined
        ? { title: "Schedules", content: <Schedules query={query} /> }
        : { title: name, content: <Schedule name={name} key={name} /> };
    }
    case "exports": {
      const name = rest.join("/");
      return name === ""
        ? { title: "Exports", content: <Exports query={query} /> }
        : { title: name, content: <Export name={name} key={name} /> };
    }
    case "pipelines": {
      const [name, key] = rest;
      if (name === undefined) return { title: "Pipelines", content: <Pipelines /> };
      return key === undefined
        ? { title: name, content: <Pipeline name={name} query={query} key={name} /> }
        : { title: key, content: <Message pipeline={name} message={key} key={`${name} ${key}`} /> };
    }
    case "workflows": {
      const [workflow, id] = rest;
      return workflow === undefined || id === undefined
        ? { title: "Workflows", content: <Workflows query={query} /> }
        : { title: id, content: <Task workflow={workflow} id={id} key={`${workflow} ${id}`} /> };
    }
    case "logs":
      return { title: "Logs", content: <Logs query={query} /> };
    case "search":
      return { title: "Search", content: <Search query={query} /> };
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
  const rooms = ["", ...pagesOf(environment)];
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [room, rooms.length]);
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
