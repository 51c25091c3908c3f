/** `almanac timers audit`: compares the fires that were expected with those that were observed. */
import { auditTimers, describeAudit } from "../../features/timers/audit";
import { findTimers, timersAction } from "../../features/timers/environment";
import { parseDuration } from "../../shared/terminal/duration";
import {
  environmentCommand,
  EXIT,
  UsageError,
  type EnvironmentOptions,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  environmentCommand({
    description:
      "Compares the fires that each timer's schedule expects with those that its callback has recorded: missing, failed, late, early.",
    examples: [
      "npx almanac timers audit",
      "npx almanac timers audit --since 2h --prefix report- --late 30s --env production",
    ],
    exitCodes: { [EXIT.ok]: "all fires are as expected", [EXIT.failure]: "some are not, or the command failed" },
  })
    .option("--since <duration>", "how far back: 30m, 2h or 7d, seven days at most", "24h")
    .option("--late <duration>", "later than this is a fault", "60s")
    .option("--prefix <text>", "only timers whose ids begin with it", "")
    .action(timersAction(run));

interface Options extends EnvironmentOptions, JsonOption {
  readonly since: string;
  readonly late: string;
  readonly prefix: string;
}

async function run({ since, late, prefix, ...options }: Options): Promise<number> {
  const secondsOf = (option: string, text: string): number => {
    const seconds = parseDuration(text);
    if (seconds === undefined) throw new UsageError(`${option}: "${text}" is not a duration such as 30m, 2h or 7d`);
    return seconds;
  };
  const window = { sinceSeconds: secondsOf("--since", since), lateSeconds: secondsOf("--late", late), prefix };
  const { client } = await findTimers(options);
  const audit = await auditTimers(client, window);
  console.log(options.json ? JSON.stringify(audit) : describeAudit(audit));
  return audit.faulty.length + audit.unreadable.length === 0 ? EXIT.ok : EXIT.failure;
}
