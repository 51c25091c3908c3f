/** Answers a wrong environment name at once, without AWS and without a synthesis. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errorName } from "../../functions/shared/errors";
import { readRunning } from "../emulator/run-record";
import { UsageError, type EnvironmentOptions } from "../shared/terminal/command-line";
import { homeAt } from "../shared/home";
import { nearest } from "../../modules/constructs/nearest";

/** The environment that needs no account. */
export const LOCAL = "local";

/** Personal environments that commands have met, so that a name that resembles another is not taken for a typing error. */
const KNOWN_FILE = ".almanac/environments.json";

/** As modules/environment.ts has it. */
const NAME = /^[a-z][a-z0-9]{0,11}$/;

/** No environment can have this name, or none has it. The message names the nearest. */
export class UnknownEnvironmentError extends Error {
  override readonly name = "UnknownEnvironmentError";
}

interface Declared {
  readonly names: readonly string[];
  /** False: the app makes environments whose names its text does not show. */
  readonly complete: boolean;
}

/** The environments whose names stand in the text of an app: `new Environment(app, "staging", ...)`. */
export function declaredEnvironments(app: string): Declared {
  const text = existsSync(app) ? readFileSync(app, "utf8") : "";
  const names = [...text.matchAll(/\bnew Environment\(\s*\w+,\s*"([^"]*)"/g)].map(([, name = ""]) => name);
  const all = text.match(/\bnew Environment\(/g)?.length ?? 0;
  return { names, complete: all > 0 && all === names.length };
}

/**
 * The environment that a command works in: the one that was named, else what ALMANAC_ENVIRONMENT says, else `local` when it runs.
 * @throws UsageError, UnknownEnvironmentError
 */
export async function chosenEnvironment({ env, app, home }: EnvironmentOptions): Promise<string> {
  const named = env ?? (process.env["ALMANAC_ENVIRONMENT"] || undefined);
  const name = named ?? ((await localEndpoint(home)) === undefined ? undefined : LOCAL);
  if (name === undefined)
    throw new UsageError(
      `Which environment? Pass --env: ${declaredEnvironments(app).names.join(", ")}. Or start local: npm start`,
    );
  checkName(name, app);
  return name;
}

/** The emulator of `local`: the one that ALMANAC_AWS_ENDPOINT names, else the one that npm start runs, if any. */
export async function localEndpoint(home: string): Promise<string | undefined> {
  return process.env["ALMANAC_AWS_ENDPOINT"] || (await readRunning(homeAt(home)))?.endpoint;
}

/**
 * Refuses a name that is most likely a typing error.
 * @throws UnknownEnvironmentError
 */
export function checkName(name: string, app: string): void {
  const { names, complete } = declaredEnvironments(app);
  const known = [...names, ...knownPersonal()];
  if (known.includes(name)) return;
  const suggestion = nearest(name, known);
  const meant = suggestion === undefined ? "" : ` Did you mean ${suggestion}?`;
  if (!NAME.test(name))
    throw new UnknownEnvironmentError(
      `"${name}" cannot be an environment: names are 1 to 12 lower case letters and digits, a letter first.${meant}`,
    );
  if (complete && suggestion !== undefined)
    throw new UnknownEnvironmentError(
      `There is no environment "${name}".${meant} If it is a personal environment, \`npx almanac environments\` finds it.`,
    );
}

/**
 * Answers a name that nothing on this machine knows at once where it cannot be looked up: without AWS credentials.
 *
 * @throws UnknownEnvironmentError
 */
export async function requireFindable(
  name: string,
  app: string,
  hasCredentials: () => Promise<boolean> = findsCredentials,
): Promise<void> {
  const { names, complete } = declaredEnvironments(app);
  if (!complete || [...names, ...knownPersonal()].includes(name) || process.env["ALMANAC_AWS_ENDPOINT"]) return;
  if (await hasCredentials()) return;
  throw new UnknownEnvironmentError(
    `${app} has no environment "${name}": it has ${names.join(", ")}. A personal environment needs AWS credentials, and none were ` +
      "found. Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID.",
  );
}

/** Those that are there and do not work are reported by the first call that uses them. */
async function findsCredentials(): Promise<boolean> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  try {
    await defaultProvider()();
    return true;
  } catch (error) {
    return errorName(error) !== "CredentialsProviderError";
  }
}

function knownPersonal(): readonly string[] {
  try {
    const names: unknown = JSON.parse(readFileSync(KNOWN_FILE, "utf8"));
    return Array.isArray(names) ? names.map(String) : [];
  } catch {
    return [];
  }
}

/** Remembers that these personal environments exist. */
export function rememberPersonal(names: readonly string[]): void {
  const known = knownPersonal();
  const all = [...new Set([...known, ...names])].sort();
  if (all.length === known.length) return;
  mkdirSync(dirname(KNOWN_FILE), { recursive: true });
  writeFileSync(KNOWN_FILE, `${JSON.stringify(all)}\n`);
}
