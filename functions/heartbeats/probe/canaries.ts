/** Tells an outage of the checker's own network from outages of targets. */
import { connect } from "node:net";

import { mapConcurrently } from "../../shared/resilience/concurrency";
import { SECOND_MS } from "../../shared/time";
import type { FailureReason, Target } from "../contract";
import type { ProbeResult } from "./check-target";
import { ATTEMPT_MS, givenAddresses, type Lookup } from "./dns";

const CANARY_TIMEOUT_MS = 3 * SECOND_MS;
const CANARY_PORT = 443;

/** The reasons of failures that an outage of the checker's own network has. */
const NETWORK_REASONS: ReadonlySet<FailureReason> = new Set(["dns", "refused", "timeout", "reset"]);

/** Rejects when the host cannot be reached. */
export type ReachCanary = (hostname: string) => Promise<void>;

export interface NetworkCheck {
  readonly results: readonly ProbeResult[];
  /** Human-readable; set where the checker's own network is at fault. */
  readonly networkFailure?: string;
}

/**
 * If a public target does not respond, and no canary does either, nothing is judged: every result is `unmeasured`, also of targets that
 * responded and of private ones, because a network that works in part makes failures of its own. Canaries are not asked while all public
 * targets respond: the failure of a private one says nothing about the network to them.
 */
export async function checkNetwork(
  results: readonly ProbeResult[],
  targets: readonly Target[],
  canaries: readonly string[],
  reach: ReachCanary,
): Promise<NetworkCheck> {
  const publicTargets = new Set(targets.filter((target) => !target.private).map(({ name }) => name));
  const suspicious = results.some(
    ({ target, outcome }) => publicTargets.has(target) && !outcome.ok && NETWORK_REASONS.has(outcome.reason),
  );
  if (!suspicious || canaries.length === 0) return { results };
  const reached = await mapConcurrently(canaries, canaries.length, (name) =>
    reach(name).then(
      () => true,
      () => false,
    ),
  );
  if (reached.includes(true)) return { results };
  const networkFailure = `no target is judged: neither targets nor ${canaries.join(", ")} can be reached`;
  const message = "not judged: the checker's own network does not work";
  const unmeasured = results.map((result): ProbeResult => {
    return { ...result, outcome: { ok: false, reason: "unmeasured", message } };
  });
  return { results: unmeasured, networkFailure };
}

/** By a TCP connection to one of the host's addresses. */
export function canaryByConnection(lookup: Lookup, port = CANARY_PORT): ReachCanary {
  return async (hostname) => {
    const signal = AbortSignal.timeout(CANARY_TIMEOUT_MS);
    const addresses = await lookup(hostname, signal);
    await new Promise<void>((resolve, reject) => {
      const socket = connect({
        host: hostname,
        port,
        signal,
        // Any address will do: the first may be IPv6, to which this network has no route.
        lookup: givenAddresses(addresses),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
      });
      socket.once("error", reject).once("connect", () => {
        socket.destroy();
        resolve();
      });
    });
  };
}
