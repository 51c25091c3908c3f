/** Starts the console of the local environment, by its command. */
import { join } from "node:path";
import { consoleKeyFile } from "../shared/console-key";
import type { Home } from "../shared/home";
import { startCompanion, type Companion } from "./companion";

/** Relative to the project. */
const LAUNCHER = "scripts/launcher/almanac.mjs";

export interface LocalConsoleOptions {
  readonly home: Home;
  /** The CDKTF app. */
  readonly app: string;
  /** True: it ends with this process, even when this process is killed. */
  readonly endsWithUs: boolean;
}

/** @throws CompanionFailedError */
export function startLocalConsole({ home: { folder }, app, endsWithUs }: LocalConsoleOptions): Promise<Companion> {
  const options = { env: "local", home: folder, app, "key-file": consoleKeyFile(folder) };
  return startCompanion({
    title: "the console",
    args: [LAUNCHER, "console", ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
    log: join(folder, "console.log"),
    endsWithUs,
  });
}
