/** Text from outside has no line of its own in what commands print: it would be another row, message or cause. */
import { createColors } from "picocolors";
import { describeStatus } from "../../../scripts/features/heartbeats/describe-status";
import { describeEvent } from "../../../scripts/features/logs/describe-event";
import { describeLetter, describeList } from "../../../scripts/features/pipelines/dead-letters";
import { describeDeadLetters } from "../../../scripts/features/redrive/describe-dead-letters";
import { describeTimer } from "../../../scripts/features/timers/describe";
import { describeTask, describeTasks } from "../../../scripts/features/workflows/describe-task";
import { terminalText } from "../../../scripts/shared/terminal/plain-text";
import { table } from "../../../scripts/shared/terminal/table";

const colours = createColors(false);
const AT = "2026-11-21T06:55:30.250Z";
const now = Date.parse(AT);

const TIMER = {
  ...{ id: "tea", shardId: "shard0", timeShardId: "07:tea", timerCallbackData: {}, schedule: { every: "15 minutes" } },
  ...{ enabled: true, version: "v1", putAt: AT, state: "scheduled" as const, nextFireAt: AT, callback: "default" },
  ...{ recorded: true, lastFiredAt: null, lastOutcome: null, attempts: null, latenessMs: null },
};
const letter = (text: string) => ({ id: text, kind: "message" as const, since: AT, cause: text, body: text });
const task = (text: string) => ({
  taskId: text,
  timestamp: 1_795_238_400,
  status: "FAILED" as const,
  reason: text,
  executionArn: text,
  history: [{ status: "FAILED" as const, at: AT, reason: text }],
});
const line = (text: string) =>
  JSON.stringify({ level: text, message: text, [text]: text, error: { name: text, message: text } });

const OUTPUTS: Readonly<Record<string, (text: string) => string>> = {
  "a table": (text) => table(["name", "state"], [[text, text]]),
  "a list of dead letters": (text) => describeList([letter(text), letter(text)]),
  "a dead letter": (text) => describeLetter(letter(text), [text]),
  "messages of a dead-letter queue": (text) =>
    describeDeadLetters([
      { MessageId: text, Body: text, MessageAttributes: { ERROR_MESSAGE: { DataType: "String", StringValue: text } } },
    ]),
  "a task": (text) => describeTask(task(text), colours),
  "a list of tasks": (text) => describeTasks([task(text)], "FAILED", colours),
  "a log line": (text) =>
    describeEvent({ time: now, functionName: "f", message: line(text), key: "1" }, 8, colours) ?? "",
  "a log line that is no JSON": (text) =>
    describeEvent({ time: now, functionName: "f", message: text, key: "1" }, 8, colours) ?? "",
  "a timer": (text) => describeTimer({ ...TIMER, callback: text, timerCallbackData: { text } }),
  "the state of targets": (text) =>
    describeStatus(
      {
        source: "s3://page/status.json",
        targets: [{ name: text, state: "down", lastCheck: null, lastHeartbeat: null, uptime: 1 }],
        incidents: [{ target: text, severity: "down", openedAt: AT, message: text }],
      },
      now,
      colours,
    ),
};

describe.each(Object.entries(OUTPUTS))("%s", (_, output) => {
  it.each(["\n", "\r", "\r\n", "\u2028", "\u0085", "\v", "\u001b[2J", "\u001b[1A", "\u202e", "\u009b2J"])(
    "has the lines that it has without %j",
    (hostile) => {
      const shown = terminalText(output(`a${hostile}FORGED 17 accepted`));
      expect(shown.split(/[\n\r\v\f\u0085\u2028\u2029]/)).toHaveLength(
        output("a FORGED 17 accepted").split("\n").length,
      );
      expect(shown).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
    },
  );
});
