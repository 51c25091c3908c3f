/** The emulator's kept state: one file, from which the next start continues. server/kept_state.py writes it. */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { PinnedRelease } from "./pinned-release";

/** The first line of the file. Another emulator may read its rest otherwise, and what is deployed names the port. */
const aboutSchema = z.object({
  port: z.int().positive(),
  /** Of MiniStack. */
  version: z.string(),
  /** The digest of requirements.txt. */
  digest: z.string(),
});
export type About = z.output<typeof aboutSchema>;

/** The first line is shorter. */
const HEAD_BYTES = 4_096;

export function stateFile(folder: string): string {
  return join(folder, "state", "emulator.state");
}

/** What the file says about itself; undefined: there is none, or it is not readable. */
export async function readAbout(file: string): Promise<About | undefined> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const [line = ""] = buffer.toString("utf8", 0, bytesRead).split("\n", 1);
      return aboutSchema.parse(JSON.parse(line));
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

export async function removeState(file: string): Promise<void> {
  await rm(file, { force: true });
}

export interface Continuation {
  /** The port to use; undefined: any. */
  readonly port?: number;
  /** Why the kept state cannot be used, to follow "starts empty: ". */
  readonly reason?: string;
}

/**
 * Whether the next start can continue from a kept state.
 *
 * @param requestedPort of --port
 * @param isFree whether no process listens on a port
 */
export async function continuationOf(
  about: About | undefined,
  release: PinnedRelease,
  requestedPort: number | undefined,
  isFree: (port: number) => Promise<boolean>,
): Promise<Continuation> {
  if (about === undefined) return {};
  if (about.version !== release.version || about.digest !== release.digest)
    return { reason: `the kept state is of MiniStack ${about.version} with other packages` };
  if (requestedPort !== undefined && requestedPort !== about.port)
    return { reason: `the kept state is of port ${about.port}` };
  if (!(await isFree(about.port))) return { reason: `port ${about.port} of the kept state is in use` };
  return { port: about.port };
}
