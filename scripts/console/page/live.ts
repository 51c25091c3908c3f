/** Views that stay current while the page is visible, and make no calls while it is not. */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { EnvironmentView, Query, ViewName, Views } from "../contract";
import { getView, ServerError } from "./server";

export interface Live<Data> {
  /** The last that was read, also while a poll fails. None of what is gone. */
  readonly data: Data | undefined;
  readonly error: Error | undefined;
  readonly reload: () => void;
}

export const Environment = createContext<EnvironmentView | undefined>(undefined);

/** Of views that were seen before: going back shows them at once. */
const seen = new Map<string, unknown>();

const FALLBACK_POLL_MS = 5_000;

export function useLive<Name extends ViewName>(name: Name, query: Query = {}): Live<Views[Name]> {
  const pollMs = useContext(Environment)?.pollMs ?? FALLBACK_POLL_MS;
  const key = JSON.stringify([name, query]);
  const [state, setState] = useState<{ readonly data?: Views[Name]; readonly error?: Error; readonly key?: string }>(
    {},
  );
  const [round, setRound] = useState(0);
  const asked = useRef(query);
  asked.current = query;
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let polling = false;
    const poll = async (): Promise<void> => {
      if (polling || document.visibilityState !== "visible") return;
      polling = true;
      try {
        const data = await getView(name, asked.current, end.signal);
        seen.set(key, data);
        setState({ data, key });
      } catch (error) {
        if (end.signal.aborted) return;
        const failure = error instanceof Error ? error : new Error(String(error));
        const gone = isGone(failure);
        if (gone) seen.delete(key);
        setState((before) => ({ ...(before.key === key && !gone ? before : {}), key, error: failure }));
      } finally {
        polling = false;
      }
      if (!end.signal.aborted) timer = setTimeout(() => void poll(), pollMs);
    };
    const look = () => {
      clearTimeout(timer);
      void poll();
    };
    document.addEventListener("visibilitychange", look);
    void poll();
    return () => {
      end.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [name, key, pollMs, round]);
  const reload = useCallback(() => {
    setRound((before) => before + 1);
  }, []);
  const known = seen.get(key) as Views[Name] | undefined;
  return { data: state.key === key ? (state.data ?? known) : (known ?? state.data), error: state.error, reload };
}

/** What the view is of does not exist, or no longer: others may have deleted it. */
export function isGone(error: Error | undefined): boolean {
  return error instanceof ServerError && error.status === 404;
}

export function isWithoutSession(error: Error | undefined): boolean {
  return error instanceof ServerError && error.status === 401;
}
