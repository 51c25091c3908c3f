/** Times, relative to the server's clock. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { relative, span } from "../format";

/** Milliseconds between the server's clock and this browser's: the clock of `local` can be moved. */
let offset = 0;

export function setServerTime(now: string): void {
  offset = Date.parse(now) - Date.now();
}

function serverNow(): number {
  return Date.now() + offset;
}

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

/** The server's time, each second while the page is visible. One timer for all that show it. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const tick = () => {
      setNow(serverNow());
    };
    listeners.add(tick);
    ticking ??= setInterval(() => {
      if (document.visibilityState === "visible") for (const each of listeners) each();
    }, TICK_MS);
    return () => {
      listeners.delete(tick);
      if (listeners.size > 0) return;
      clearInterval(ticking);
      ticking = undefined;
    };
  }, []);
  return now;
}

const LOCAL_TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const LOCAL_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Local time, with the day unless it is today. */
function localTime(time: number, now: number): string {
  const day = LOCAL_DAY.format(time);
  return day === LOCAL_DAY.format(now) ? LOCAL_TIME.format(time) : `${day} ${LOCAL_TIME.format(time)}`;
}

interface TimeProps {
  readonly at: string;
  /** @default "relative" */
  readonly as?: "relative" | "local";
}

/** Local or relative; UTC on hover. */
export function Time({ at, as = "relative" }: TimeProps): JSX.Element {
  const now = useNow();
  const time = Date.parse(at);
  if (Number.isNaN(time)) return <span>{at}</span>;
  const local = localTime(time, now);
  return (
    <time datetime={at} title={as === "relative" ? `${local} (${at} UTC)` : `${at} UTC`}>
      {as === "relative" ? relative(time, now) : local}
    </time>
  );
}

/** `1 min 20 s`, from a time until now. */
export function Since({ at }: { readonly at: string }): JSX.Element {
  return <span>{span(useNow() - Date.parse(at))}</span>;
}

/** A list of times, each local and relative. */
export function Instants({ at: times }: { readonly at: readonly string[] }): JSX.Element {
  return (
    <ol class="rows">
      {times.map((at) => (
        <li key={at}>
          <div class="line">
            <Time at={at} as="local" />
          </div>
          <Time at={at} />
        </li>
      ))}
    </ol>
  );
}
