/** What the console can change. Each action is a command of `almanac`: the page shows it, the server runs it. Pure. */

export type Values = Readonly<Record<string, string>>;

/** A value that the viewer enters. */
export interface ActionField {
  readonly name: string;
  readonly label: string;
  readonly initial?: string;
  /** JSON: several lines. @default one line */
  readonly isJson?: boolean;
  readonly isOptional?: boolean;
  readonly choices?: readonly string[];
}

/** A command without the options of its environment. */
export interface Call {
  readonly words: readonly string[];
  /** By name: `--input`. Empty and false ones are left out. */
  readonly options?: Readonly<Record<string, string | boolean>>;
  readonly positional: readonly string[];
  /** Its standard input. */
  readonly input?: string;
  /** True: it works on the emulator of a home, whatever is deployed there. */
  readonly ofEmulator?: boolean;
}

interface Action {
  /** The button's. */
  readonly title: string;
  /** Values that the page knows. */
  readonly given: readonly string[];
  readonly fields?: readonly ActionField[];
  readonly call: (value: (name: string) => string) => Call;
}

const once = (value: (name: string) => string) => ({ "--once": value("kind") === "oneshot" });

const JSON_INPUT: ActionField = { name: "input", label: "Input, JSON", isJson: true, isOptional: true };

const COMMENT: ActionField = { name: "comment", label: "Why", isOptional: true };

/** Of any timer, as `almanac timers put` has them. */
const TIMER_FIELDS: readonly ActionField[] = [
  { name: "jitter", label: "Jitter, seconds", isOptional: true },
  { name: "callback", label: "Callback", isOptional: true },
  { name: "catchUp", label: "Catch up: all, latest, 15m", isOptional: true },
  { name: "overlap", label: "Overlap", choices: ["allow", "skip"] },
  { name: "maxAttempts", label: "Attempts at most", isOptional: true },
  { name: "maxAge", label: "No attempt later than: 15m", isOptional: true },
  { name: "history", label: "Records its fires", choices: ["as its callback", "yes", "no"] },
  { name: "data", label: "Data, JSON", isJson: true },
];

const PERIODIC_OPTIONS = {
  "--every": "every",
  "--cron": "cron",
  "--time-zone": "timeZone",
  "--minute": "minute",
  "--second": "second",
  "--start": "start",
  "--end": "end",
  "--max-fires": "maxFires",
} as const;

/** Replaces the timer that the viewer has seen, and no later one. @param schedule fields by option */
function changeCall(value: (name: string) => string, schedule: Readonly<Record<string, string>>): Call {
  const { options: data, ...rest } = jsonOption("--data", value("data"));
  return {
    ...rest,
    words: ["timers", "put"],
    options: {
      ...Object.fromEntries(Object.entries(schedule).map(([option, name]) => [option, value(name)])),
      "--jitter": value("jitter"),
      "--callback": value("callback"),
      "--catch-up": value("catchUp"),
      "--overlap": value("overlap"),
      "--max-attempts": value("maxAttempts"),
      "--max-age": value("maxAge"),
      "--history": value("history") === "yes",
      "--no-history": value("history") === "no",
      ...data,
      "--shard": value("shard"),
      "--if-version": value("version"),
    },
    positional: [value("id")],
  };
}

/** Linux refuses an argument of 128 KiB; a character may have four bytes. */
const LONGEST_ARGUMENT = 30_000;

/** An option with JSON of any length: a long one is the command's standard input. */
function jsonOption(name: string, json: string): Pick<Call, "input"> & Required<Pick<Call, "options">> {
  return json.length > LONGEST_ARGUMENT ? { options: { [name]: "-" }, input: json } : { options: { [name]: json } };
}

function decision(verb: "approve" | "reject", value: (name: string) => string): Call {
  return {
    words: ["workflows", verb],
    // It decides what the viewer has seen, and no later approval.
    options: {
      "--workflow": value("workflow"),
      "--state": value("state"),
      "--requested-at": value("requestedAt"),
      "--comment": value("comment"),
    },
    positional: [value("task")],
  };
}

export const ACTIONS = {
  "clock.advance": {
    title: "Advance the clock",
    given: ["by"],
    call: (value) => ({
      words: ["clock", "advance"],
      options: { "--no-wait": true },
      positional: [value("by")],
      ofEmulator: true,
    }),
  },
  "clock.speed": {
    title: "Set its speed",
    given: [],
    fields: [
      {
        name: "factor",
        label: "How many times as fast as real time",
        initial: "60",
        choices: ["1", "10", "60", "600", "3600"],
      },
    ],
    call: (value) => ({ words: ["clock", "speed"], positional: [value("factor")], ofEmulator: true }),
  },
  "clock.stop": {
    title: "Stop it here",
    given: [],
    call: () => ({ words: ["clock", "speed"], positional: ["1"], ofEmulator: true }),
  },
  "clock.now": {
    title: "Back to now",
    given: [],
    call: () => ({ words: ["clock", "now"], positional: [], ofEmulator: true }),
  },
  "heartbeats.check": {
    title: "Check now",
    given: [],
    call: () => ({ words: ["schedules", "run"], positional: ["heartbeats-check"] }),
  },
  "incidents.update": {
    title: "Add an update",
    given: ["id"],
    fields: [
      { name: "text", label: "What people should know" },
      {
        name: "status",
        label: "How far you are",
        initial: "investigating",
        choices: ["investigating", "identified", "monitoring", "update"],
      },
    ],
    call: (value) => ({
      words: ["incidents", "update"],
      options: { "--status": value("status") },
      positional: [value("id"), value("text")],
    }),
  },
  "incidents.resolve": {
    title: "Say how it was resolved",
    given: ["id"],
    fields: [{ name: "text", label: "What happened, and what was done" }],
    call: (value) => ({ words: ["incidents", "resolve"], positional: [value("id"), value("text")] }),
  },
  "timers.put": {
    title: "Set a timer",
    given: [],
    fields: [
      { name: "id", label: "Id" },
      { name: "every", label: "Every", initial: "15 minutes", isOptional: true },
      { name: "cron", label: "or cron, UTC", isOptional: true },
      { name: "in", label: "or once, in: 90s, 15m, 2h", isOptional: true },
      { name: "data", label: "Data, JSON", isJson: true, isOptional: true },
    ],
    call: (value) => {
      const { options: data, ...rest } = jsonOption("--data", value("data"));
      const schedule = Object.fromEntries(["every", "cron", "in"].map((name) => [`--${name}`, value(name)]));
      // Another viewer may have set it just now. A timer that exists has "Change".
      return {
        ...rest,
        words: ["timers", "put"],
        options: { ...schedule, ...data, "--new": true },
        positional: [value("id")],
      };
    },
  },
  "timers.change": {
    title: "Change",
    given: ["id", "shard", "version"],
    fields: [
      { name: "every", label: "Every", isOptional: true },
      { name: "cron", label: "or cron", isOptional: true },
      { name: "timeZone", label: "its time zone", isOptional: true },
      { name: "minute", label: "or hourly, at minute", isOptional: true },
      { name: "second", label: "and second", isOptional: true },
      { name: "start", label: "No fire before", isOptional: true },
      { name: "end", label: "No fire after", isOptional: true },
      { name: "maxFires", label: "Fires at most, anew", isOptional: true },
      ...TIMER_FIELDS,
    ],
    call: (value) => changeCall(value, PERIODIC_OPTIONS),
  },
  "timers.changeOnce": {
    title: "Change",
    given: ["id", "shard", "version"],
    fields: [{ name: "at", label: "Once, at" }, ...TIMER_FIELDS],
    call: (value) => changeCall(value, { "--at": "at" }),
  },
  "timers.fire": {
    title: "Fire now",
    given: ["kind", "id"],
    call: (value) => ({ words: ["timers", "fire"], options: once(value), positional: [value("id")] }),
  },
  "timers.pause": {
    title: "Pause",
    given: ["kind", "id"],
    call: (value) => ({ words: ["timers", "pause"], options: once(value), positional: [value("id")] }),
  },
  "timers.resume": {
    title: "Resume",
    given: ["kind", "id"],
    call: (value) => ({ words: ["timers", "resume"], options: once(value), positional: [value("id")] }),
  },
  "timers.delete": {
    title: "Delete",
    given: ["kind", "id"],
    call: (value) => ({ words: ["timers", "rm"], options: once(value), positional: [value("id")] }),
  },
  "schedules.run": {
    title: "Run now",
    given: ["schedule"],
    fields: [JSON_INPUT],
    call: (value) => ({
      words: ["schedules", "run"],
      options: { "--input": value("input"), "--no-wait": true },
      positional: [value("schedule")],
    }),
  },
  // A tick of Almanac's own has no input.
  "schedules.tick": {
    title: "Run now",
    given: ["schedule"],
    call: (value) => ({ words: ["schedules", "run"], positional: [value("schedule")] }),
  },
  "schedules.pause": {
    title: "Pause",
    given: ["schedule"],
    call: (value) => ({ words: ["schedules", "pause"], positional: [value("schedule")] }),
  },
  "schedules.resume": {
    title: "Resume",
    given: ["schedule"],
    call: (value) => ({ words: ["schedules", "resume"], positional: [value("schedule")] }),
  },
  "exports.run": {
    title: "Export now",
    given: ["export"],
    fields: [{ name: "day", label: "Day, or hour or minute (default: now)", isOptional: true }],
    call: (value) => ({ words: ["exports", "run"], options: { "--day": value("day") }, positional: [value("export")] }),
  },
  "pipelines.send": {
    title: "Send a message",
    given: ["pipeline"],
    fields: [
      { name: "message", label: "The message, JSON", isJson: true },
      { name: "times", label: "How often, 100 at most", initial: "1" },
    ],
    // One line for each: the command sends them one after the other.
    call: (value) => ({
      words: ["pipelines", "send"],
      positional: [value("pipeline")],
      input: Array<string>(Math.min(100, Math.max(1, Math.floor(Number(value("times"))) || 1)))
        .fill(
          value("message")
            .replaceAll(/\s*\n\s*/g, " ")
            .trim(),
        )
        .join("\n"),
    }),
  },
  "pipelines.redrive": {
    title: "Send back",
    given: ["pipeline", "id"],
    call: (value) => ({ words: ["pipelines", "dead"], positional: ["redrive", value("pipeline"), value("id")] }),
  },
  "pipelines.edit": {
    title: "Edit and send",
    given: ["pipeline", "id"],
    fields: [{ name: "body", label: "The message in its place, JSON", isJson: true }],
    call: (value) => ({
      words: ["pipelines", "dead"],
      options: { "--body": "-" },
      positional: ["redrive", value("pipeline"), value("id")],
      input: value("body"),
    }),
  },
  "workflows.start": {
    title: "Start a task",
    given: ["workflow"],
    fields: [{ name: "task", label: "Its id" }, JSON_INPUT],
    call: (value) => {
      const { options, ...rest } = jsonOption("--input", value("input"));
      return {
        words: ["workflows", "start"],
        options: { "--workflow": value("workflow"), ...options },
        positional: [value("task")],
        ...rest,
      };
    },
  },
  "workflows.approve": {
    title: "Approve",
    given: ["workflow", "task", "state", "requestedAt"],
    fields: [COMMENT],
    call: (value) => decision("approve", value),
  },
  "workflows.reject": {
    title: "Reject",
    given: ["workflow", "task", "state", "requestedAt"],
    fields: [COMMENT],
    call: (value) => decision("reject", value),
  },
  "workflows.redrive": {
    title: "Run again from where it failed",
    given: ["workflow", "task"],
    call: (value) => ({
      words: ["workflows", "redrive"],
      options: { "--workflow": value("workflow") },
      positional: [value("task")],
    }),
  },
  "workflows.cancel": {
    title: "Cancel",
    given: ["workflow", "task"],
    call: (value) => ({
      words: ["workflows", "cancel"],
      options: { "--workflow": value("workflow") },
      positional: [value("task")],
    }),
  },
} as const satisfies Readonly<Record<string, Action>>;

export type ActionName = keyof typeof ACTIONS;

/** As the page and the server see any of them. */
export function actionOf(name: ActionName): Action {
  return ACTIONS[name];
}

/** @param values those of {@link Action.given} and of its fields; others are ignored */
export function callOf(name: ActionName, values: Values): Call {
  const { given, fields = [], call } = actionOf(name);
  const known = new Set([...given, ...fields.map((field) => field.name)]);
  return call((each) => (known.has(each) && Object.hasOwn(values, each) ? (values[each] ?? "") : ""));
}

/** For {@link argumentsOf}: where the command works. */
export type Where = Readonly<Record<string, string>>;

/** Arguments of `almanac`. No value can become an option: options have theirs in one word, and the rest follows `--`. */
export function argumentsOf(call: Call, where: Where): readonly string[] {
  const { words, options = {}, positional, ofEmulator = false } = call;
  const place = Object.entries(where).filter(([name]) => !ofEmulator || name === "--home");
  const set = [...Object.entries(options), ...place].flatMap(([name, value]) => {
    if (value === "" || value === false) return [];
    return [value === true ? name : `${name}=${value}`];
  });
  return [...words, ...set, "--", ...positional];
}

/** The command as a person types it, in a POSIX shell. */
export function commandLine({ input, ...call }: Call, where: Where): string {
  const separator = call.positional.some((each) => each.startsWith("-"));
  const words = argumentsOf(call, where).filter((word) => word !== "--" || separator);
  const command = ["npx", "almanac", ...words].map(quoted).join(" ");
  return input === undefined ? command : `printf %s ${quoted(input)} | ${command}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
