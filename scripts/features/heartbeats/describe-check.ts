/** Describes the steps and the result of a check for people. */
import type { Colors } from "picocolors/types";
import type { FailureReason, Target } from "../../../functions/heartbeats/contract";
import { plainText } from "../../shared/terminal/plain-text";
import { table } from "../../shared/terminal/table";
import type { Step, TracedCheck } from "./traced-check";

/** What to look at next. */
const ADVICE: Readonly<Partial<Record<FailureReason, string>>> = {
  dns: "Is the name right, and does this machine reach its name server?",
  refused: "Is the server running, and does it listen on that port?",
  "forbidden-address": "To allow it: --private here, private: true in main.ts.",
  tls: "To trust a private certificate authority: --ca here, certificateAuthority in main.ts.",
  timeout: "Is there a firewall in between? --timeout allows more time.",
  reset: "The server or a proxy closed the connection: see its log.",
  protocol: "Does the server speak http or https?",
  redirect: "With --no-follow the redirect itself is checked.",
  "body-too-large": "To read a longer body: --max-body here, maxBodyBytes in main.ts.",
  secret: "A secret of its headers could not be read: the target was not checked.",
  internal: "This is a fault of Almanac, not of the target.",
};

export function describeCheck(target: Target, { steps, observation }: TracedCheck, colours: Colors): string {
  const { outcome, latencyMs } = observation;
  const verdict = outcome.ok
    ? colours.green(`Passed: status ${outcome.status} in ${Math.round(latencyMs)} ms.`)
    : colours.red(`Failed after ${Math.round(latencyMs)} ms (${outcome.reason}): ${plainText(outcome.message)}.`);
  const advice = outcome.ok ? undefined : ADVICE[outcome.reason];
  return [
    `${target.method} ${target.url}`,
    "",
    ...indent(
      table(
        ["phase", "", "took"],
        steps.map((step) => describeStep(step, colours)),
      ),
    ),
    "",
    verdict,
    ...(advice === undefined ? [] : [advice]),
    `Expected: ${expectations(target).join(", ")}.`,
  ].join("\n");
}

function describeStep(step: Step, colours: Colors): readonly string[] {
  const what = step.failed ? colours.red(describeFailure(step)) : describeSuccess(step);
  return [step.phase, what, `${step.ms < 10 ? step.ms.toFixed(1) : Math.round(step.ms)} ms`];
}

function describeSuccess(step: Step): string {
  switch (step.phase) {
    case "lookup":
      return `${step.hostname} is ${step.addresses.join(", ")}`;
    case "response": {
      const redirect = step.location === undefined ? "" : `, Location ${step.location}`;
      const certificate =
        step.certificateExpiresAt === undefined ? "" : `, certificate until ${step.certificateExpiresAt.slice(0, 10)}`;
      return `${step.status ?? ""} from ${new URL(step.url).host}${redirect}${certificate}`;
    }
    case "body":
      return "complete";
  }
}

function describeFailure(step: Step): string {
  switch (step.phase) {
    case "lookup":
      return `${step.hostname} was not found`;
    case "response":
      return `no response from ${new URL(step.url).host}`;
    case "body":
      return "incomplete";
  }
}

/** What a check of the target expects. */
function expectations(target: Target): readonly string[] {
  const { expectedStatus, bodyContains, bodyMatches, maxLatencyMs, minCertificateDays, timeoutSeconds } = target;
  const secure = target.url.startsWith("https:");
  return [
    `status ${expectedStatus.join(" or ")}`,
    ...(bodyContains === undefined ? [] : [`a body that contains "${bodyContains}"`]),
    ...(bodyMatches === undefined ? [] : [`a body that matches /${bodyMatches}/u`]),
    ...(secure ? [`a certificate valid for at least ${minCertificateDays} days`] : []),
    ...(maxLatencyMs === undefined ? [] : [`a latency of at most ${maxLatencyMs} ms`]),
    `a timeout of ${timeoutSeconds} s`,
  ];
}

function indent(text: string): readonly string[] {
  return text.split("\n").map((line) => `  ${line}`);
}
