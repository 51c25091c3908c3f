/** `almanac timers redrive <fire id>`: sends one dead fire back to its callback. */
import { SQSClient } from "@aws-sdk/client-sqs";
import { queuesOf, redriveMessages } from "../../features/redrive/messages";
import { findTimers, TimerNotFoundError } from "../../features/timers/environment";
import { MESSAGE_ATTRIBUTES } from "../../../functions/timers/contract";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends one fire from the dead-letter queue back to its callback. All of them: npx almanac redrive timers; their fire ids: --list.",
      examples: ["npx almanac timers redrive 'oneshot#reminder#6f1c#2026-11-21T17:00:00.000Z' --env staging"],
    }),
  )
    .argument("<fire id>", "as in: npx almanac timers fires <id> --json")
    .action(exitCodeOf(run));

async function run(fireId: string, options: EnvironmentOptions): Promise<number> {
  const { environment, aws, outputs } = await findTimers(options);
  const tools = { sqs: new SQSClient(aws), now: Date.now, onProgress: console.log };
  const only = (attributes: Readonly<Record<string, { readonly StringValue?: string | undefined }>> | undefined) =>
    attributes?.[MESSAGE_ATTRIBUTES.fireId]?.StringValue === fireId;
  for (const queue of queuesOf(outputs)) {
    const { sent } = await redriveMessages(queue, {
      ...tools,
      only: ({ MessageAttributes }) => only(MessageAttributes),
    });
    if (sent > 0) return EXIT.ok;
  }
  throw new TimerNotFoundError(`no dead-letter queue of timers in ${environment} has the fire "${fireId}".`);
}
