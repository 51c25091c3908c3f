/** `almanac pipelines send <pipeline> [file]`: sends messages through a pipeline's ingress. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { findDeployed } from "../../environments/deployed";
import {
  callersPath,
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withEnvironment,
  type EnvironmentOptions,
} from "../../shared/terminal/command-line";
import { pipelineOf } from "../../shared/feature-outputs";
import { ingressClient } from "../../shared/aws/ingress-client";

const STANDARD_INPUT = "-";

export const command = () =>
  withEnvironment(
    new DocumentedCommand({
      description:
        "Sends the JSON of a file, or of standard input, through a pipeline's ingress. NDJSON is sent line by line.",
      examples: [
        "npx almanac pipelines send jobOrder order.json",
        `echo '{"jobOrderId": "17", "revision": 1}' | npx almanac pipelines send jobOrder --env staging`,
      ],
      exitCodes: { [EXIT.ok]: "every message was accepted", [EXIT.failure]: "some were rejected" },
    }),
  )
    .argument("<pipeline>", "its name in main.ts: jobOrder")
    .argument("[file]", "JSON or NDJSON; -: standard input", STANDARD_INPUT)
    .action(exitCodeOf(run));

async function run(name: string, file: string, options: EnvironmentOptions): Promise<number> {
  const deployed = await findDeployed(options);
  const send = ingressClient(pipelineOf(deployed.name, name, deployed).endpoint, deployed.aws);
  const bodies = messagesIn(
    file === STANDARD_INPUT ? await text(process.stdin) : await readFile(callersPath(file), "utf8"),
  );
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
