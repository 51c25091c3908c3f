/** The page's side of the API: its session, its views and its actions. */
import type { ActionName, Values } from "../actions/actions";
import type { ActionResult, ErrorView, Query, ViewName, Views } from "../contract";

const SESSION = "almanac-session";
const TOKEN = /^#token=([\w-]+)$/;

/** The server refused or failed. The message is for the viewer. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** It is not known whether an action has run. */
class LostAnswerError extends Error {
  override readonly name = "LostAnswerError";
  constructor() {
    super("The console did not answer. The action may have run: look at its effect before you run it again.");
  }
}

/**
 * Exchanges the token of the address, if it has one, for a session, and takes it out of the address.
 * @throws ServerError
 */
export async function openSession(): Promise<void> {
  const token = TOKEN.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(null, "", location.pathname + location.search);
  const { session } = (await post("session", { token })) as { readonly session: string };
  localStorage.setItem(SESSION, session);
}

/** @throws ServerError, and fetch's TypeError when the server is gone */
export async function getView<Name extends ViewName>(
  name: Name,
  query: Query,
  signal?: AbortSignal,
): Promise<Views[Name]> {
  const filters = new URLSearchParams(query).toString();
  const response = await fetch(`/api/${name}${filters === "" ? "" : `?${filters}`}`, {
    headers: authorization(),
    ...(signal !== undefined && { signal }),
  });
  // Trusted: the server that has sent this script has the same types.
  return (await bodyOf(response)) as Views[Name];
}

/** An answer that is lost is asked for again: the server runs what has the same key once. */
const ATTEMPTS = 4;
const PAUSE_MS = 500;

/** @throws ServerError; LostAnswerError when the server is gone */
export async function runAction(name: ActionName, values: Values): Promise<ActionResult> {
  const key = crypto.randomUUID();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await post(`actions/${name}`, values, { "Idempotency-Key": key })) as ActionResult;
    } catch (error) {
      // Another server has other sessions, and does not know whether the first one has run it.
      const isOfAnother = error instanceof ServerError && error.status === 401 && attempt > 1;
      if (error instanceof ServerError && !isOfAnother) throw error;
      if (isOfAnother || attempt === ATTEMPTS) throw new LostAnswerError();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** attempt));
    }
  }
}

async function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const response = await fetch(`/api/${path}`, {
    method: "POST",
    headers: { ...authorization(), "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return bodyOf(response);
}

function authorization(): { readonly Authorization: string } {
  return { Authorization: `Bearer ${localStorage.getItem(SESSION) ?? ""}` };
}

async function bodyOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (response.ok) return body;
  throw new ServerError(response.status, (body as ErrorView).message);
}
