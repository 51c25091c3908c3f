/** A real browser, headless: Chromium or Chrome as the machine has it. */
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { CommandFailedError, commandOutput, ownEnvironment } from "../../scripts/shared/run-command";

/** No browser is there, and none could be installed. */
export class NoBrowserError extends Error {
  override readonly name = "NoBrowserError";
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"] as const;

/** Where browsers are that are on no PATH. */
const CONVENTIONAL_PLACES = [
  ...NAMES.map((name) => `/usr/bin/${name}`),
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
] as const;

const FLAGS = [
  // Chromium's own sandbox refuses to work for root, as whom containers run tests.
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

const HOW_TO_INSTALL =
  'Install one ("apt-get install chromium", "brew install --cask chromium", or Google Chrome), or name one: CHROMIUM_PATH=/path/to/chromium';

/** Starts a browser whose profile is new and goes with it. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: [...FLAGS] });
}

/**
 * The browser's path: CHROMIUM_PATH, or else the first one found.
 * @throws NoBrowserError
 */
export function chromiumPath(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment["CHROMIUM_PATH"];
  if (named !== undefined) {
    if (isExecutable(named)) return named;
    throw new NoBrowserError(`CHROMIUM_PATH is ${named}, which can't be run`);
  }
  const onPath = (environment["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = [...onPath, ...CONVENTIONAL_PLACES].find(isExecutable);
  if (found === undefined)
    throw new NoBrowserError(`There is no Chromium or Chrome on this machine. ${HOW_TO_INSTALL}`);
  return found;
}

/**
 * Finds a browser, or installs one where that needs nobody's leave: as root on Debian and its kin, in a container.
 * @throws NoBrowserError
 */
export async function ensureChromium(): Promise<string> {
  try {
    return chromiumPath();
  } catch (error) {
    if (!(error instanceof NoBrowserError) || process.env["CHROMIUM_PATH"] !== undefined || !isRootOnDebian())
      throw error;
  }
  console.error("There is no Chromium here: installing Debian's ...");
  const env = { ...ownEnvironment(), DEBIAN_FRONTEND: "noninteractive" };
  try {
    await commandOutput("apt-get", ["update", "-qq"], { env });
    // With a font: without one, text has no width.
    await commandOutput(
      "apt-get",
      [
        "install",
        "-y",
        "-qq",
        "-o",
        "DPkg::Lock::Timeout=120",
        "--no-install-recommends",
        "chromium",
        "fonts-dejavu-core",
      ],
      { env },
    );
  } catch (cause) {
    const why = cause instanceof CommandFailedError ? cause.message : String(cause);
    throw new NoBrowserError(`There is no Chromium here, and installing it failed: ${why}\n${HOW_TO_INSTALL}`, {
      cause,
    });
  }
  return chromiumPath();
}

function isRootOnDebian(): boolean {
  try {
    return process.getuid?.() === 0 && /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false; // no Linux, or a very small one
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
