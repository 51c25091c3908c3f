/** Starts target servers and Almanac before the end-to-end tests. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { getPriority, setPriority } from "node:os";
import { startTargetServers, type TargetServers } from "../../support/target-servers";
import { home, npmRun, npmRunWith, PERSONAL_VALUE, startArguments, targetsFile } from "./system";
import { targetsFor } from "./targets";

let servers: TargetServers | undefined;

export default async function setup(): Promise<void> {
  await npmRun("stop", "--home", home); // from a killed run
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  servers = await startTargetServers();
  await writeFile(targetsFile, JSON.stringify(targetsFor(servers)));

  const personal = { ALMANAC_E2E_PERSONAL: PERSONAL_VALUE };
  const { code, output } = await npmRunWith(personal, "start", "--detach", "--record-calls", ...startArguments);
  if (code !== 0) throw new Error(`npm start failed:\n${output}`);
  process.env["ALMANAC_E2E_START"] = output;
  // The suites have fewer of the processors than the emulator that they wait for.
  setPriority(Math.min(19, getPriority() + 3));
}

export async function close(): Promise<void> {
  await npmRun("stop", "--home", home);
  await servers?.close();
}
