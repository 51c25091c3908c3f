/** Says in words what one check went through, and what came of it. */
import type { Colors } from "picocolors/types";
import type { FailureReason, Target } from "../../../functions/heartbeats/contract";
import { table } from "../../shared/table";
import type { Step, TracedCheck } from "./traced-check";

/** What to look at next, where the failure itself does not say it. */
const ADVICE: Readonly<Partial<Record<FailureReason, string>>> = {
  dns: "Is the name right, and does this machine reach its name server?",
  refused: "Is the server running, and does it listen on that port?",
  "forbidden-address": "If that is where the target shall be: --private here, private: true in main.ts.",
  tls: "A certificate of a private authority is trusted when it is given: --ca here, certificateAuthority in main.ts.",
  timeout: "Is there a firewall on the way? --timeout gives it longer.",
  reset: "Something on the way, or the server itself, hung up: its log may tell.",
  protocol: "Is it http or https that is spoken there?",
  redirect: "With --no-follow the redirect itself is the answer.",
  "body-too-large": "A longer one is read with --max-body here, maxBodyBytes in main.ts.",
  secret: "A secret of its headers could not be read: this says nothing of the target.",
  internal: "This is a fault of Almanac, not of the target.",
};

export function describeCheck(target: Target, { steps, observation }: TracedCheck, colours: Colors): string {
  const { outcome, latencyMs } = observation;
  const verdict = outcome.ok
    ? colours.green(`Good: status ${outcome.status} in ${Math.round(latencyMs)} ms.`)
    : colours.red(`Failed after ${Math.round(latencyMs)} ms (${outcome.reason}): ${outcome.message}.`);
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
  const what = step.failed ? colours.red(whatFailed(step)) : whatCame(step);
  return [step.phase, what, `${step.ms < 10 ? step.ms.toFixed(1) : Math.round(step.ms)} ms`];
}

function whatCame(step: Step): string {
  switch (step.phase) {
    case "look-up":
      return `${step.hostname} is ${step.addresses.join(", ")}`;
    case "answer": {
      const leads = step.location === undefined ? "" : `, Location ${step.location}`;
      const certificate =
        step.certificateExpiresAt === undefined ? "" : `, certificate until ${step.certificateExpiresAt.slice(0, 10)}`;
      return `${step.status ?? ""} from ${new URL(step.url).host}${leads}${certificate}`;
    }
    case "body":
      return "read to its end";
  }
}

function whatFailed(step: Step): string {
  switch (step.phase) {
    case "look-up":
      return `${step.hostname} was not found`;
    case "answer":
      return `none from ${new URL(step.url).host}`;
    case "body":
      return "not read to its end";
  }
}

/** What a good answer of the target is. */
export function expectations(target: Target): readonly string[] {
  const { expectedStatus, bodyContains, bodyMatches, maxLatencyMs, minCertificateDays, timeoutSeconds } = target;
  const secure = target.url.startsWith("https:");
  return [
    `status ${expectedStatus.join(" or ")}`,
    ...(bodyContains === undefined ? [] : [`a body that contains "${bodyContains}"`]),
    ...(bodyMatches === undefined ? [] : [`a body that matches /${bodyMatches}/u`]),
    ...(secure ? [`a certificate with ${minCertificateDays} days left at least`] : []),
    ...(maxLatencyMs === undefined ? [] : [`all of it within ${maxLatencyMs} ms`]),
    `an end within ${timeoutSeconds} s`,
  ];
}

function indent(text: string): readonly string[] {
  return text.split("\n").map((line) => `  ${line}`);
}
