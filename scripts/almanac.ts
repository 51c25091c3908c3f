/** The command line: `npx almanac`. This file is its table of contents; each command is a file of commands/. */
import { Command, CommanderError } from "commander";
import { description, version } from "../package.json";
import { EXIT, EXIT_CODES, HELP, HELP_WIDTH, type NamedCommand } from "./shared/terminal/command-line";
import { tolerateClosedOutput } from "./shared/terminal/output";
import { encodeConsole } from "./shared/terminal/plain-text";

interface CommandFile {
  readonly command: (allCommands: () => Promise<readonly NamedCommand[]>) => Command;
}

interface Entry {
  readonly summary: string;
  /** Loads the command when it is called: the others cost nothing. */
  readonly load: () => Promise<CommandFile>;
}

interface Noun {
  readonly summary: string;
  readonly verbs: Readonly<Record<string, Entry>>;
}

const entry = (summary: string, load: Entry["load"]): Entry => ({ summary, load });

export const CONTENTS: Readonly<Record<string, Readonly<Record<string, Entry | Noun>>>> = {
  "Environments:": {
    deploy: entry("Plan, show, confirm and apply an environment", () => import("./commands/deploy.ts")),
    review: entry("Write what a deployment would change, as Markdown", () => import("./commands/review.ts")),
    destroy: entry("Destroy an environment, and list what is left", () => import("./commands/destroy.ts")),
    bootstrap: entry("Create the bucket of an environment's Terraform state", () => import("./commands/bootstrap.ts")),
    environments: entry("List what is deployed, since when, at what cost", () => import("./commands/environments.ts")),
    cost: entry("Estimate what an environment costs a month", () => import("./commands/cost.ts")),
    dashboard: entry("Open an environment's CloudWatch dashboard", () => import("./commands/dashboard.ts")),
    modules: entry("Write each feature as a module for plain Terraform", () => import("./commands/modules.ts")),
  },
  "In one environment:": {
    heartbeats: {
      summary: "Show targets, check a URL, report a month",
      verbs: {
        status: entry("Show the state of each target", () => import("./commands/heartbeats/status.ts")),
        check: entry("Check a URL once, from this machine", () => import("./commands/heartbeats/check.ts")),
        report: entry("Report a calendar month, also as CSV", () => import("./commands/heartbeats/report.ts")),
        job: entry("Show what a job reported last, with its log", () => import("./commands/heartbeats/job.ts")),
        "ping-url": entry("Show the URL that a job reports to", () => import("./commands/heartbeats/ping-url.ts")),
      },
    },
    incidents: {
      summary: "List incidents, tell people about them",
      verbs: {
        ls: entry("List the incidents of 90 days", () => import("./commands/incidents/ls.ts")),
        update: entry("Tell on the status page what is known", () => import("./commands/incidents/update.ts")),
        resolve: entry("Tell how an incident was resolved", () => import("./commands/incidents/resolve.ts")),
      },
    },
    timers: {
      summary: "Set, show, fire, pause, move and audit timers",
      verbs: {
        put: entry("Create or replace a timer", () => import("./commands/timers/put.ts")),
        get: entry("Show a timer", () => import("./commands/timers/get.ts")),
        ls: entry("List the timers", () => import("./commands/timers/ls.ts")),
        rm: entry("Delete timers", () => import("./commands/timers/rm.ts")),
        fires: entry("Show the fires of a timer", () => import("./commands/timers/fires.ts")),
        preview: entry("Show when a timer fires next", () => import("./commands/timers/preview.ts")),
        fire: entry("Fire a timer now", () => import("./commands/timers/fire.ts")),
        pause: entry("Pause timers", () => import("./commands/timers/pause.ts")),
        resume: entry("Resume timers", () => import("./commands/timers/resume.ts")),
        move: entry("Move timers to another callback", () => import("./commands/timers/move.ts")),
        redrive: entry("Send one dead fire back", () => import("./commands/timers/redrive.ts")),
        audit: entry("Compare expected with observed fires", () => import("./commands/timers/audit.ts")),
      },
    },
    exports: {
      summary: "List and run exports, restore tables from them",
      verbs: {
        ls: entry("List exports with their last and next runs", () => import("./commands/exports/ls.ts")),
        show: entry("Show an export's latest runs", () => import("./commands/exports/show.ts")),
        run: entry("Run an export now", () => import("./commands/exports/run.ts")),
        watch: entry("Follow an export's run", () => import("./commands/exports/watch.ts")),
        cursor: entry(
          "Show or set where the next incremental run starts",
          () => import("./commands/exports/cursor.ts"),
        ),
        restore: entry("Load an export into a table", () => import("./commands/exports/restore.ts")),
      },
    },
    pipelines: {
      summary: "Send messages: new, archived or failed ones; follow one",
      verbs: {
        send: entry("Send messages through a pipeline", () => import("./commands/pipelines/send.ts")),
        replay: entry("Send archived messages again", () => import("./commands/pipelines/replay.ts")),
        tail: entry("Follow a message to its row and to Slack", () => import("./commands/pipelines/tail.ts")),
        test: entry("Post a message to a pipeline's Slack webhook", () => import("./commands/pipelines/test.ts")),
        dead: entry("List, show and redrive single dead letters", () => import("./commands/pipelines/dead.ts")),
        redrive: entry("Send a pipeline's dead letters back", () => import("./commands/pipelines/redrive.ts")),
      },
    },
    workflows: {
      summary: "Start, show and cancel tasks",
      verbs: {
        start: entry("Start a task", () => import("./commands/workflows/start.ts")),
        show: entry("Show a task with its history", () => import("./commands/workflows/show.ts")),
        ls: entry("List tasks by status", () => import("./commands/workflows/ls.ts")),
        cancel: entry("Cancel a task", () => import("./commands/workflows/cancel.ts")),
        approve: entry("Approve a task that waits for a person", () => import("./commands/workflows/approve.ts")),
        reject: entry("Reject a task that waits for a person", () => import("./commands/workflows/reject.ts")),
        redrive: entry("Run a failed task again", () => import("./commands/workflows/redrive.ts")),
      },
    },
    schedules: {
      summary: "Show, run and pause what runs on a schedule",
      verbs: {
        ls: entry("List all that is scheduled, with next and last run", () => import("./commands/schedules/ls.ts")),
        runs: entry("List the runs of a schedule", () => import("./commands/schedules/runs.ts")),
        show: entry("Show a run", () => import("./commands/schedules/show.ts")),
        run: entry("Run a schedule now", () => import("./commands/schedules/run.ts")),
        pause: entry("Pause a schedule", () => import("./commands/schedules/pause.ts")),
        resume: entry("End the pause of a schedule", () => import("./commands/schedules/resume.ts")),
        preview: entry(
          "Show the next runs of a schedule or expression",
          () => import("./commands/schedules/preview.ts"),
        ),
      },
    },
    console: entry("Serve a live page of an environment", () => import("./commands/console.ts")),
    logs: entry("Show the functions' log lines, follow one order or timer", () => import("./commands/logs.ts")),
    open: entry("Open the status page or the dashboard in a browser", () => import("./commands/open.ts")),
    redrive: entry("Send a feature's dead letters back to where they failed", () => import("./commands/redrive.ts")),
  },
  "This machine:": {
    start: entry("Start Almanac on an AWS emulator (npm start)", () => import("./commands/start.ts")),
    status: entry("Show what runs (npm run status)", () => import("./commands/status.ts")),
    stop: entry("Stop it (npm run stop)", () => import("./commands/stop.ts")),
    clock: {
      summary: "Show the local clock, and move it to try tomorrow today",
      verbs: {
        status: entry("Show the clock", () => import("./commands/clock/status.ts")),
        advance: entry("Move it forward, step by step, and show what ran", () => import("./commands/clock/advance.ts")),
        speed: entry("Let time pass faster", () => import("./commands/clock/speed.ts")),
        now: entry("Return to now, and to the state of before", () => import("./commands/clock/now.ts")),
      },
    },
    completion: entry("Print a script that completes commands in your shell", () => import("./commands/completion.ts")),
  },
};

/** Errors that mean that the command was called wrongly. By name: their classes are in files that load late. */
const USAGE_ERRORS: ReadonlySet<string> = new Set([
  "UsageError",
  "ConfirmationRequiredError",
  "UnknownEnvironmentError",
  "UndeclaredEnvironmentError",
  "NotInEnvironmentError",
  "InvalidRequestError",
]);

/** Runs one command. Sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  tolerateClosedOutput();
  encodeConsole();
  const words = args[0] === "help" ? [...args.slice(1), "--help"] : args;
  try {
    const program = await programFor(words);
    await program.parseAsync(words.length === 0 ? ["--help"] : [...words], { from: "user" });
  } catch (error) {
    // Commander has written its message already.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badUsage;
    else process.exitCode = await report(error);
  }
}

async function report(error: unknown): Promise<number> {
  const [{ describeError }, { colours }] = await Promise.all([
    import("./shared/terminal/errors.ts"),
    import("./shared/terminal/colours.ts"),
  ]);
  console.error(`${colours.red("error:")} ${describeError(error)}`);
  if (!(error instanceof Error)) return EXIT.failure;
  if (error.name === "NotRunningError") return EXIT.notRunning;
  return USAGE_ERRORS.has(error.name) ? EXIT.badUsage : EXIT.failure;
}

/** The program, in which only the command that the words name is loaded. */
export async function programFor(words: readonly string[]): Promise<Command> {
  const program = new Command("almanac")
    .description(description)
    .version(version)
    .helpCommand(false)
    .configureHelp({ ...HELP, helpWidth: Math.min(process.stdout.columns || HELP_WIDTH, HELP_WIDTH) })
    .showHelpAfterError("Help: add --help")
    .exitOverride()
    .addHelpText("after", exitCodesHelp());
  for (const [group, entries] of Object.entries(CONTENTS)) {
    program.commandsGroup(group);
    for (const [name, item] of Object.entries(entries))
      if ("verbs" in item) await addNoun(program, name, item, words);
      else await addCommand(program, name, item, words[0] === name);
  }
  return program;
}

/** Every command with the words that call it, `almanac` itself first. */
export async function loadedCommands(): Promise<readonly NamedCommand[]> {
  const program = await programFor([]);
  const found: NamedCommand[] = [{ words: [], command: program }];
  for (const [name, item] of Object.values(CONTENTS).flatMap((entries) => Object.entries(entries))) {
    const paths = "verbs" in item ? [[name], ...Object.keys(item.verbs).map((verb) => [name, verb])] : [[name]];
    for (const words of paths) found.push({ words, command: commandAt(await programFor(words), words) });
  }
  return found;
}

function commandAt(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) throw new Error(`there is no command ${words.join(" ")}`);
    return next;
  }, program);
}

async function addNoun(
  program: Command,
  name: string,
  { summary, verbs }: Noun,
  words: readonly string[],
): Promise<void> {
  const noun = program.command(name).summary(summary).description(`${summary}.`).helpCommand(false);
  for (const [verb, item] of Object.entries(verbs))
    await addCommand(noun, verb, item, words[0] === name && words[1] === verb);
}

async function addCommand(parent: Command, name: string, { summary, load }: Entry, called: boolean): Promise<void> {
  if (!called) {
    parent.command(name).summary(summary).helpOption(false);
    return;
  }
  const command = (await load()).command(loadedCommands).name(name).summary(summary);
  parent.addCommand(command.copyInheritedSettings(parent));
}

function exitCodesHelp(): string {
  const codes = Object.entries(EXIT_CODES).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return ["", "Exit codes:", ...codes, "", "Help on a command: npx almanac timers put --help"].join("\n");
}
