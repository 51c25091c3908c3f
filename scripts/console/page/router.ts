/** The address is the state: the path names the view, the query its filters. */
import { useEffect, useState } from "preact/hooks";
import type { Query } from "../contract";

export interface Place {
  /** `["timers", "periodic", "tea"]` */
  readonly path: readonly string[];
  readonly query: Query;
}

function here(): Place {
  const path = location.pathname.split("/").filter((part) => part !== "");
  return { path: path.map(decoded), query: Object.fromEntries(new URLSearchParams(location.search)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const MOVED = "almanac-moved";

export function go(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, "", href);
  else {
    history.pushState(null, "", href);
    scrollTo(0, 0);
  }
  dispatchEvent(new Event(MOVED));
}

/** Sets filters; an empty value removes one. */
export function filter(changes: Query): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes))
    if (value === "") query.delete(name);
    else query.set(name, value);
  const text = query.toString();
  go(location.pathname + (text === "" ? "" : `?${text}`), { replace: true });
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const move = () => {
      setPlace(here());
    };
    // Links are ordinary links, so that they open in tabs, too.
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const href = link?.getAttribute("href") ?? "";
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (link === null || !isPlain || !href.startsWith("/") || link.hasAttribute("target")) return;
      event.preventDefault();
      go(href);
    };
    addEventListener(MOVED, move);
    addEventListener("popstate", move);
    document.addEventListener("click", follow);
    return () => {
      removeEventListener(MOVED, move);
      removeEventListener("popstate", move);
      document.removeEventListener("click", follow);
    };
  }, []);
  return place;
}

/** `/timers/oneshot/a%2Fb` */
export function href(...path: readonly string[]): string {
  return `/${path.map((part) => encodeURIComponent(part)).join("/")}`;
}
