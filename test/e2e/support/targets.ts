/** The targets of the tests' system. */
import type { TargetInput } from "../../../functions/heartbeats/contract";
import type { Behaviour, TargetServers } from "../../support/target-servers";

export const GUARDED_PARAMETER = "/almanac/e2e/token";
/** A test creates it. */
export const PING_PARAMETER = "/almanac/e2e/ping";

/** One target for each server behaviour, named as in the tests' expectations. */
export function targetsFor({ urls, certificateAuthority }: TargetServers): TargetInput[] {
  const target = (name: string, behaviour: Behaviour, options: Partial<TargetInput> = {}): TargetInput => ({
    name,
    url: urls[behaviour],
    timeoutSeconds: 5,
    private: true,
    ...options,
  });
  const secure = { certificateAuthority };
  return [
    target("good", "good", { bodyContains: "all is well" }),
    target("too-slow", "slow", { timeoutSeconds: 1 }),
    target("server-error", "serverError", { failuresBeforeDown: 1 }),
    target("redirect-followed", "redirect", { bodyContains: "all is well" }),
    target("zstd", "zstd", { bodyContains: "packed away" }), // the deployed functions run on a Node that has it
    target("redirect-refused", "redirect", { followRedirects: false }),
    target("body-mismatch", "good", { bodyMatches: "^all is lost$" }),
    target("posted", "echo", {
      method: "POST",
      headers: { "X-Probe": "almanac" },
      body: "${not} %{terraform}",
      bodyMatches: '"POST".*almanac.*"\\$\\{not\\} %\\{terraform\\}"',
    }),
    target("secure", "secure", secure),
    target("expired", "expired", secure),
    target("soon-expiring", "soonExpiring", secure),
    target("reset", "resetMidBody"),
    target("endless", "endlessBody"),
    target("unresolvable", "unresolvable"),
    // A test creates the parameter later.
    target("guarded", "echo", { headers: { Authorization: { ssm: GUARDED_PARAMETER } }, bodyContains: "Bearer e2e" }),
    target("moody", "moody", { failuresBeforeDown: 2, successesBeforeUp: 2 }),
    target("refused", "refused"),
    // Of marked-input: incidents at the first failure.
    target("marked", "marked", { failuresBeforeDown: 1 }),
    target("marked-content", "marked", {
      failuresBeforeDown: 1,
      expectedStatus: [500],
      bodyMatches: "^all is well$",
    }),
    target("marked-redirect", "markedRedirect", { failuresBeforeDown: 1 }),
  ];
}
