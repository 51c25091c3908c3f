/** What the commands have in common on the command line: their options, help and exit codes. */
import { statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { Command, Help, InvalidArgumentError, type Option } from "commander";
import { DEFAULT_HOME } from "../home";

export const EXIT = { ok: 0, failure: 1, badUsage: 2, notRunning: 3, dataLoss: 4, drift: 5 } as const;

/** What each exit code means, for help texts. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  [EXIT.ok]: "done",
  [EXIT.failure]: "failed",
  [EXIT.badUsage]: "called wrongly, or not confirmed",
  [EXIT.notRunning]: "Almanac is not running on this machine",
  [EXIT.dataLoss]: "refused: data would be lost, something exposed, or an identity changed",
  [EXIT.drift]: "the deployed environment differs (review --drift)",
};

/** The command line is wrong. The message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface CommandText {
  readonly description: string;
  /** At least one: `almanac timers ls --once`. */
  readonly examples: readonly string[];
  /** Exit codes that mean something of their own in this command. */
  readonly exitCodes?: Readonly<Record<number, string>>;
}

/** A command whose help ends with its exit codes and examples. */
export class DocumentedCommand extends Command {
  constructor(private readonly text: CommandText) {
    super();
    this.description(text.description).allowExcessArguments(false);
  }

  /** Exit codes and examples, as the help shows them. */
  override helpInformation(): string {
    const { examples, exitCodes = {} } = this.text;
    const section = (title: string, lines: readonly string[]) =>
      lines.length === 0 ? [] : ["", `${title}:`, ...lines.map((line) => `  ${line}`)];
    const codes = Object.entries(exitCodes).map(([code, meaning]) => `${code}  ${meaning}`);
    const lines = [
      ...section("Exit codes", codes),
      ...section(examples.length === 1 ? "Example" : "Examples", examples),
    ];
    return `${super.helpInformation()}${lines.join("\n")}\n`;
  }
}

/** A command of npm, for development: `--help`, and exit code 2 when it is called wrongly. */
export function npmCommand(call: string, description: string): Command {
  return new Command(call)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError(`Usage and options: ${call} --help`)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.badUsage));
}

/** A command, and the words that call it: none for `almanac` itself. */
export interface NamedCommand {
  readonly words: readonly string[];
  readonly command: Command;
}

/** Longer lines are wrapped where no terminal says how wide it is. */
export const HELP_WIDTH = 100;

/** Options that many commands have. */
const COMMON_OPTIONS: ReadonlySet<string> = new Set(["json", "env", "app", "home", "help"]);

/** Options in the order of their declaration, those of many commands last. */
export const HELP: Partial<Help> = {
  visibleOptions(command) {
    const options = Help.prototype.visibleOptions.call(this, command);
    const isCommon = (option: Option) => COMMON_OPTIONS.has(option.attributeName());
    return [...options.filter((option) => !isCommon(option)), ...options.filter(isCommon)];
  },
  optionDescription(option) {
    const { defaultValue } = option as { readonly defaultValue: unknown };
    const isOff = defaultValue === false || (Array.isArray(defaultValue) && defaultValue.length === 0);
    return isOff ? option.description : Help.prototype.optionDescription.call(this, option);
  },
};

/** The environment that a command works in. */
export interface EnvironmentOptions extends AppOptions {
  /** @default what ALMANAC_ENVIRONMENT says, else `local` when it runs */
  readonly env?: string;
}

export interface AppOptions {
  /** The CDKTF app that declares the environments, relative to the project. */
  readonly app: string;
  /** For `local`: the folder that was given to npm start. */
  readonly home: string;
}

/** `--env`, `--app` and `--home`: of commands that work in one environment. */
export function withEnvironment(command: Command): Command {
  return withApp(
    command.option(
      "-e, --env <environment>",
      "the environment (default: $ALMANAC_ENVIRONMENT, else local when it runs)",
    ),
  );
}

export const DEFAULT_APP = "main.ts";

/** A command with {@link withEnvironment}'s options and `--json`. */
export function environmentCommand(contents: ConstructorParameters<typeof DocumentedCommand>[0]): Command {
  return withJson(withEnvironment(new DocumentedCommand(contents)));
}

/** `--app` and `--home`. */
export function withApp(command: Command): Command {
  return withHome(command.option("--app <file>", "the app that declares the environments", appPath, DEFAULT_APP));
}

/** `--home`. */
export function withHome(command: Command): Command {
  return command.option(
    "--home <folder>",
    "for local: the folder that was given to npm start",
    callersFolder,
    DEFAULT_HOME,
  );
}

export interface JsonOption {
  readonly json: boolean;
}

/** `--json`: of every command that reads. */
export function withJson(command: Command): Command {
  return command.option("--json", "one JSON document on standard output", false);
}

/** A path as the caller means it: the launcher has changed into the project's folder since. */
export function callersPath(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? ".", path);
}

/** A file as the caller means it, not a folder: the error of reading one does not name it. */
export function callersFile(path: string): string {
  const file = callersPath(notEmpty(path));
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new InvalidArgumentError("It is a folder.");
  return file;
}

/** A folder as the caller means it. */
export function callersFolder(path: string): string {
  return callersPath(notEmpty(path));
}

/** Of an option that an empty variable of a script would change: `--prefix ""` means all timers, `--home ""` the current folder. */
export function notEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

function appPath(path: string): string {
  return relative(".", callersFile(path));
}

/** An action that ends with an exit code: commander itself discards what an action returns. */
export function exitCodeOf<Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    process.exitCode = await action(...args);
  };
}

/** Parses a whole number from `least` on. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new InvalidArgumentError(
        most === Number.MAX_SAFE_INTEGER
          ? `Expected a whole number of ${least} or more.`
          : `Expected a whole number from ${least} to ${most}.`,
      );
    return number;
  };
}

/** Ports of which browsers and `fetch` load nothing: https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** A port to serve on. */
export function portNumber(text: string): number {
  const port = wholeNumber(1, 65_535)(text);
  if (BLOCKED_PORTS.has(port)) throw new InvalidArgumentError("Browsers load nothing from that port: choose another.");
  return port;
}

/** Of an option that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];
