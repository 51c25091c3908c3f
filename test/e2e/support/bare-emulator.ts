/** An emulator of its own, without a deployment, for tests that kill it or move its clock. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEmulator, type Emulator } from "../../../scripts/emulator/find";
import { readAbout, stateFile } from "../../../scripts/emulator/kept-state";
import { findLambdaNode } from "../../../scripts/emulator/lambda-node";
import { freePort } from "../../support/free-port";
import { pinnedRelease } from "../../../scripts/emulator/pinned-release";
import { writeRecord } from "../../../scripts/emulator/run-record";
import { startEmulator, type StartedEmulator } from "../../../scripts/emulator/run";
import { removeKeys } from "../../../scripts/shared/emulator-keys";
import { homeAt } from "../../../scripts/shared/home";
import { endProcessGroup, isRunning } from "../../../scripts/shared/processes";
import { setTimeout as sleep } from "node:timers/promises";

export interface BareEmulator {
  readonly endpoint: string;
  /** For `--home`. */
  readonly home: string;
  /** Where its state is kept. */
  readonly file: string;
  /** Starts it again on the same port, from the state that it has kept. */
  start(): Promise<void>;
  /** Ends it as the machine's power does. */
  kill(): Promise<void>;
  /** Ends it as `npm run stop` does. */
  stop(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

/**
 * @param found @default as `npm start` finds it
 * @throws NoEmulatorError, EmulatorFailedError
 */
export async function bareEmulator(found?: Emulator): Promise<BareEmulator> {
  const folder = await mkdtemp(join(tmpdir(), "almanac-emulator-"));
  const [emulator, { program: node }] = [found ?? (await findEmulator()), await findLambdaNode()];
  const port = await freePort();
  const file = stateFile(folder);
  let running: StartedEmulator | undefined;

  const start = async () => {
    const about = (await readAbout(file)) ?? { port, ...pinnedRelease() };
    running = await startEmulator({
      ...{ emulator, node, port, folder, endsWithUs: true, recordCalls: false },
      state: { file, about },
    });
    const { process: identity, endpoint, log } = running;
    await writeRecord(homeAt(folder), {
      ...{ endpoint, port, since: new Date().toISOString(), stopping: false },
      emulator: { description: "without a deployment", process: identity, log },
    });
  };
  const stop = async () => {
    if (running !== undefined) await endProcessGroup(running.process, 30_000);
  };
  await start();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    home: folder,
    file,
    start,
    kill: async () => {
      if (running === undefined) return;
      // With its functions: they hold its port no longer than it does.
      process.kill(-running.process.pid, "SIGKILL");
      while (isRunning(running.process)) await sleep(5);
    },
    stop,
    close: async () => {
      await stop();
      await removeKeys(`http://127.0.0.1:${port}`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
