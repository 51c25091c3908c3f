/** The repository that alarms link to. A fork changes it here and nowhere else. */
export const REPOSITORY_URL = "https://github.com/almanac-aws/almanac";

/** A heading of docs/operations/<feature>.md, as its anchor: `timers#cursor-lag`. */
export type RunbookSection = `${string}#${string}`;

export interface AlarmText {
  /** The symptom, without a final period: `Timer callbacks are failing (messages in the dead-letter queue)`. */
  readonly description: string;
  /** What users notice. */
  readonly impact: string;
  readonly runbook: RunbookSection;
}

/** What an alarm says, or why there is none. */
export type AlarmSpec = AlarmText | { readonly disabled: string };

/** The alarm's description in CloudWatch, which renders it as Markdown. At most 1,024 characters. */
export function alarmDescription({ description, impact, runbook }: AlarmText): string {
  return [`${description}.`, `Impact: ${impact}`, `Runbook: ${runbookUrl(runbook)}`].join("\n\n");
}

/** URL of a section of a runbook. */
export function runbookUrl(section: RunbookSection): string {
  const [feature = "", anchor = ""] = section.split("#");
  return `${REPOSITORY_URL}/blob/main/docs/operations/${feature}.md#${anchor}`;
}
