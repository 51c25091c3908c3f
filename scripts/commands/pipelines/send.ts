/** `almanac pipelines send <pipeline> [message]`: sends messages through a pipeline's ingress. */
import { findDeployed } from "../../environments/deployed";
import {
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { JSON_ARGUMENT, readJsonArgument } from "../../shared/terminal/json-argument";
import { pipelineOf } from "../../shared/feature-outputs";
import { ingressClient } from "../../shared/aws/ingress-client";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends a message through a pipeline's ingress. NDJSON, of a file or of standard input, is sent line by line.",
      examples: [
        `npx almanac pipelines send jobOrder '{"jobOrderId": "17", "revision": 1}'`,
        "npx almanac pipelines send jobOrder order.json",
        "npx almanac pipelines send jobOrder --env staging < orders.ndjson",
      ],
      exitCodes: { [EXIT.ok]: "every message was accepted", [EXIT.failure]: "some were rejected" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .argument("[message]", JSON_ARGUMENT, "-")
    .action(exitCodeOf(run));

async function run(name: string, message: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const send = ingressClient(pipelineOf(deployed.name, name, deployed).endpoint, deployed.aws);
  const bodies = messagesIn(await readJsonArgument(message));
  let rejected = 0;
  for (const [index, body] of bodies.entries()) {
    const { status, text: answer } = await send(body);
    if (status !== 202) rejected += 1;
    console.log(`${index + 1}/${bodies.length}  ${status}  ${answer}`);
  }
  console.log(`${name}: ${bodies.length - rejected} accepted${rejected === 0 ? "" : `, ${rejected} rejected`}.`);
  return rejected === 0 ? EXIT.ok : EXIT.failure;
}

/** The lines, if each of several lines is an object; else the content as one message. */
function messagesIn(content: string): readonly string[] {
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  const areWhole = lines.length > 1 && lines.every((line) => line.trim().startsWith("{") && line.trim().endsWith("}"));
  return areWhole ? lines : [content];
}
