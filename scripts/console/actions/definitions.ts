/** What the console can change: the input of each action, the call that it makes, and the command that does the same. Pure; also in the page. */
import type { TimerSummary } from "../contract";

export interface Actions {
  readonly "heartbeats.check": object;
  readonly "timers.put": {
    readonly kind: TimerSummary["kind"];
    readonly id: string;
    /** The body of the PUT, JSON text. */
    readonly body: string;
  };
  readonly "timers.delete": { readonly kind: TimerSummary["kind"]; readonly id: string };
  readonly "exports.run": { readonly export: string; readonly day: string; readonly force: boolean };
  readonly "pipelines.send": { readonly pipeline: string; readonly body: string; readonly times: number };
  readonly "pipelines.redrive": { readonly pipeline: string; readonly id: string };
  readonly "pipelines.replace": { readonly pipeline: string; readonly id: string; readonly body: string };
  readonly "workflows.start": { readonly taskId: string; readonly input: string };
  readonly "workflows.cancel": { readonly taskId: string };
}
export type ActionName = keyof Actions;

export interface ActionResult {
  /** For the viewer. */
  readonly message: string;
  /** Of the console: where its effect shows. */
  readonly href?: string;
}

export interface Described {
  /** The call of AWS or of a feature's API. */
  readonly call: string;
  readonly command: string;
}

interface Definition<Input> {
  readonly title: string;
  /** Deletes or stops something. */
  readonly isDangerous?: boolean;
  readonly describe: (input: Input) => Described;
}

const almanac = (...words: readonly string[]) => ["npx almanac", ...words.map(shellWord)].join(" ");

export const ACTIONS: { readonly [Name in ActionName]: Definition<Actions[Name]> } = {
  "heartbeats.check": {
    title: "Check now",
    describe: () => ({
      call: "lambda:Invoke of the checker, as its schedule does",
      command: "aws lambda invoke --function-name <app>-<environment>-heartbeats-check --payload '{}' /dev/stdout",
    }),
  },
  "timers.put": {
    title: "Set the timer",
    describe: ({ kind, id, body }) => ({
      call: `PUT /${kind}/${encodeURIComponent(id)}\n${body}`,
      command: almanac("timers", "put", id, ...putOptions(body)),
    }),
  },
  "timers.delete": {
    title: "Delete the timer",
    isDangerous: true,
    describe: ({ kind, id }) => ({
      call: `DELETE /${kind}/${encodeURIComponent(id)}`,
      command: almanac("timers", "rm", ...(kind === "oneshot" ? ["--once"] : []), id),
    }),
  },
  "exports.run": {
    title: "Run the export",
    describe: ({ export: name, day, force }) => ({
      call: `states:StartExecution\n${JSON.stringify({ export: name, force, ...(day !== "" && { day }) })}`,
      command: almanac("exports", "run", name, ...(day === "" ? [] : ["--day", day]), ...(force ? ["--force"] : [])),
    }),
  },
  "pipelines.send": {
    title: "Send a message",
    describe: ({ pipeline, body, times }) => {
      const send = `echo ${shellWord(body)} | ${almanac("pipelines", "send", pipeline)}`;
      return {
        call: `POST /pipelines/${pipeline}${times > 1 ? `, ${times} times` : ""}\n${body}`,
        command: times > 1 ? `for i in $(seq ${times}); do ${send}; done` : send,
      };
    },
  },
  "pipelines.redrive": {
    title: "Redrive the dead letter",
    describe: ({ pipeline, id }) => ({
      call: `sqs:SendMessage to the queue of ${pipeline}, then sqs:DeleteMessage from its dead-letter queue`,
      command: almanac("pipelines", "dead", "redrive", pipeline, id),
    }),
  },
  "pipelines.replace": {
    title: "Edit the dead letter and send it",
    describe: ({ pipeline, body }) => ({
      call: `POST /pipelines/${pipeline}, then sqs:DeleteMessage from its dead-letter queue\n${body}`,
      command: `echo ${shellWord(body)} | ${almanac("pipelines", "send", pipeline)}`,
    }),
  },
  "workflows.start": {
    title: "Start a task",
    describe: ({ taskId, input }) => ({
      call: `states:StartExecution\n${input === "" ? `{"taskId": ${JSON.stringify(taskId)}}` : `{"taskId": ${JSON.stringify(taskId)}, "input": ${input}}`}`,
      command: almanac("workflows", "start", taskId, ...(input === "" ? [] : [input])),
    }),
  },
  "workflows.cancel": {
    title: "Cancel the task",
    isDangerous: true,
    describe: ({ taskId }) => ({
      call: "states:StopExecution",
      command: almanac("workflows", "cancel", taskId),
    }),
  },
};

/** In an environment other than the default one, commands name it. */
export function commandIn(environment: string, command: string): string {
  if (environment === "local" || !command.includes("npx almanac")) return command;
  return `ALMANAC_ENVIRONMENT=${environment} ${command}`;
}

/** A word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const PUT_OPTIONS: Readonly<Record<string, string>> = {
  minuteOfHour: "--minute",
  secondOfMinute: "--second",
  every: "--every",
  cron: "--cron",
  timeZone: "--time-zone",
  startAt: "--start",
  endAt: "--end",
  maxFires: "--max-fires",
  jitterSeconds: "--jitter",
  shardId: "--shard",
  at: "--at",
};

/** The options of `almanac timers put` for a body; none for what is not JSON yet. */
function putOptions(body: string): readonly string[] {
  let fields: unknown;
  try {
    fields = JSON.parse(body);
  } catch {
    return [];
  }
  if (typeof fields !== "object" || fields === null) return [];
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]): string[] => {
    const option = PUT_OPTIONS[name];
    if (name === "timerCallbackData") return ["--data", JSON.stringify(value)];
    if (name === "enabled") return value === false ? ["--disabled"] : [];
    if (name === "delaySeconds") return ["--in", `${String(value)}s`];
    return option === undefined || (typeof value !== "string" && typeof value !== "number")
      ? []
      : [option, String(value)];
  });
}
