/** The fields of the API's requests, and the options and arguments of the commands that set them. */

const OPTIONS: Readonly<Record<string, string>> = {
  id: "<id>",
  timerCallbackData: "--data",
  callback: "--callback",
  catchUp: "--catch-up",
  overlap: "--overlap",
  retry: "--max-attempts, --max-age",
  "retry.maxAttempts": "--max-attempts",
  "retry.maxAgeSeconds": "--max-age",
  history: "--history",
  shardId: "--shard",
  jitterSeconds: "--jitter",
  enabled: "--disabled",
  ifVersion: "--if-version",
  minuteOfHour: "--minute",
  secondOfMinute: "--second",
  every: "--every",
  cron: "--cron",
  timeZone: "--time-zone",
  startAt: "--start",
  endAt: "--end",
  maxFires: "--max-fires",
  at: "--at",
  delaySeconds: "--in",
  from: "--from",
  to: "--to",
  prefix: "--prefix",
  state: "--state",
  dueBefore: "--due-before",
  count: "--count",
  limit: "--limit",
  sinceSeconds: "--since",
  lateSeconds: "--late",
  fireId: "--again",
};

/** A field with its place in the request; without it, only names that are no word of a sentence. */
const FIELD = /\b(?:(?:body|query|path)\.([A-Za-z]+(?:\.[A-Za-z]+)*)|([a-z]+[A-Z][A-Za-z]*))\b/g;

/** The API's message about a request, as one about the options of a command. */
export function inOptions(message: string): string {
  return message.replace(
    FIELD,
    (text, inRequest?: string, alone?: string) => OPTIONS[inRequest ?? alone ?? ""] ?? text,
  );
}
