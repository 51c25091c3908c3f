/** Chooses the emulator's port. */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../functions/shared/errors";

export const DEFAULT_PORT = 4566;
/** Ports to try, from the default one on. */
const TRIED = 50;

const ENDING_MS = 5_000;

/** The port is in use. The message says what to do. */
export class PortBusyError extends Error {
  override readonly name = "PortBusyError";
}

/**
 * The requested port, else the first free one from {@link DEFAULT_PORT} on.
 * @param isFree whether no process listens on a port
 * @param errorOf the error of a server that listens on a port
 * @throws PortBusyError, and the error of a port that this user may not have
 */
export async function choosePort(
  requested: number | undefined,
  isFree: (port: number) => Promise<boolean> = isPortFree,
  errorOf: (port: number) => Promise<Error | undefined> = bindError,
): Promise<number> {
  if (requested !== undefined) {
    if (await isFree(requested)) return requested;
    const error = await errorOf(requested);
    if (error !== undefined && errorCode(error) === "EACCES") throw error;
    throw new PortBusyError(`Port ${requested} is in use. Omit --port to use a free one, or pass another.`);
  }
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + TRIED; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new PortBusyError(
    `The ports ${DEFAULT_PORT} to ${DEFAULT_PORT + TRIED - 1} are all in use. Pass another: --port <n>`,
  );
}

/** Whether no process listens on this loopback port. */
export async function isPortFree(port: number): Promise<boolean> {
  // Both checks are needed: macOS allows binding 127.0.0.1 while another process listens on all addresses.
  return (await bindError(port)) === undefined && !(await responds(port));
}

/** Whether a port is free, or is soon: a process that was killed, and what it has started, keeps its port for a moment. */
export async function isPortFreeSoon(port: number, withinMs = ENDING_MS): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (performance.now() < until) {
    if (await isPortFree(port)) return true;
    await sleep(100);
  }
  return false;
}

/** Undefined: a server can listen on it. */
function bindError(port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

function responds(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
