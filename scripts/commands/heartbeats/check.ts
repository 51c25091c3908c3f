/** `almanac heartbeats check <url>`: checks a URL once from this machine, and explains the result. */
import { systemLookup } from "../../../functions/heartbeats/probe/dns";
import { systemClock } from "../../../functions/shared/clock";
import { targetOf, type CheckOptions } from "../../features/heartbeats/check-options";
import { describeCheck } from "../../features/heartbeats/describe-check";
import { tracedCheck } from "../../features/heartbeats/traced-check";
import { colours } from "../../shared/terminal/colours";
import {
  collect,
  DocumentedCommand,
  EXIT,
  exitCodeOf,
  withJson,
  type JsonOption,
} from "../../shared/terminal/command-line";

export const command = () =>
  withJson(
    new DocumentedCommand({
      description: "Checks a URL once, from this machine, as the deployed function does, and explains the result.",
      examples: [
        "npx almanac heartbeats check https://example.org",
        'npx almanac heartbeats check https://example.org/login --method POST --header "Accept: text/html" --expect-status 200,302',
      ],
      exitCodes: {
        [EXIT.ok]: "the check passed",
        [EXIT.failure]: "the check failed",
        [EXIT.badUsage]: "called wrongly",
      },
    }),
  )
    .argument("<url>", "an http or https address")
    .option("--method <method>", "GET, HEAD, POST, ... (default: GET)")
    .option('--header <"name: value">', "sent with the request; may be repeated", collect)
    .option("--body <text>", "sent with the request")
    .option("--timeout <seconds>", "for the whole check: DNS, handshake, redirects and body (default: 10)")
    .option("--expect-status <list>", "statuses that pass: 200-299,404 (default: 200-299)")
    .option("--contains <text>", "the body must contain this text")
    .option("--matches <pattern>", "the body must match this regular expression")
    .option("--max-latency <ms>", "a slower response fails the check")
    .option("--max-body <bytes>", "a longer body fails the check (default: 1048576)")
    .option("--certificate-days <days>", "the certificate must be valid for longer (default: 7)")
    .option("--ca <file>", "certificates (PEM) to trust in place of the public ones")
    .option("--private", "allow an address in a private network or on this machine")
    .option("--no-follow", "do not follow redirects: check the redirect itself")
    .action(exitCodeOf(run));

async function run(url: string, { json, ...options }: CheckOptions & JsonOption): Promise<number> {
  const target = targetOf(url, options);
  const traced = await tracedCheck(target, { lookup: systemLookup(), clock: systemClock });
  const { outcome, latencyMs, at } = traced.observation;
  console.log(
    json
      ? JSON.stringify({ url, at: new Date(at).toISOString(), latencyMs, outcome, steps: traced.steps })
      : describeCheck(target, traced, colours),
  );
  return outcome.ok ? EXIT.ok : EXIT.failure;
}
