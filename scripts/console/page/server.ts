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

/** @throws ServerError, and fetch's TypeError when the server is gone */
export async function runAction(name: ActionName, values: Values): Promise<ActionResult> {
  return (await post(`actions/${name}`, values)) as ActionResult;
}

async function post(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`/api/${path}`, {
    method: "POST",
    headers: { ...authorization(), "Content-Type": "application/json" },
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
