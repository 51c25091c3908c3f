/** Chooses the emulator's port. */
import { connect, createServer } from "node:net";

export const DEFAULT_PORT = 4566;
/** How many ports after the default one are tried. */
const TRIED = 50;

/** The port cannot be had. The message says what to do. */
export class PortBusyError extends Error {
  override readonly name = "PortBusyError";
}

/**
 * The port asked for, or the first free one from {@link DEFAULT_PORT} on when none was.
 * @param isFree tells whether nothing listens on a port
 * @throws PortBusyError
 */
export async function choosePort(
  requested: number | undefined,
  isFree: (port: number) => Promise<boolean> = isPortFree,
): Promise<number> {
  if (requested !== undefined) {
    if (await isFree(requested)) return requested;
    throw new PortBusyError(
      `Port ${requested} is taken by another program. Leave --port out, and a free one is found; or name another.`,
    );
  }
  for (let port = DEFAULT_PORT; port < DEFAULT_PORT + TRIED; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new PortBusyError(
    `The ports ${DEFAULT_PORT} to ${DEFAULT_PORT + TRIED - 1} are all taken. Name one: --port <n>`,
  );
}

/** Whether nothing listens on this port of loopback. */
export async function isPortFree(port: number): Promise<boolean> {
  // Both are needed: macOS lets a second program bind 127.0.0.1 while another has every address.
  return (await canBind(port)) && !(await answers(port));
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

function answers(port: number): Promise<boolean> {
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
