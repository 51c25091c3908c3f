/** Resolves host names by the system's resolver. */
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Resolves a host name. Rejects with the signal's reason when it aborts. */
export type Lookup = (hostname: string, signal: AbortSignal) => Promise<readonly ResolvedAddress[]>;

/**
 * {@link Lookup} by the operating system (getaddrinfo), which honours /etc/hosts and search domains. A lookup occupies a thread
 * and cannot be aborted, so concurrent lookups of one name are shared, and an aborted caller leaves it running.
 */
export function systemLookup(resolve: (hostname: string) => Promise<readonly ResolvedAddress[]> = resolveAll): Lookup {
  const pending = new Map<string, Promise<readonly ResolvedAddress[]>>();
  const shared = (hostname: string): Promise<readonly ResolvedAddress[]> => {
    const existing = pending.get(hostname);
    if (existing !== undefined) return existing;
    const started = resolve(hostname).finally(() => pending.delete(hostname));
    pending.set(hostname, started);
    return started;
  };
  return (hostname, signal) => abortable(shared(hostname), signal);
}

/** Connection attempt timeout for each address but the last. Node's default of 250 ms is too short for distant hosts. */
export const ATTEMPT_MS = 1_000;

/** For a socket, which then connects to one of these addresses without a lookup of its own. */
export function givenAddresses(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses;
    // Node asks for a single address only if autoSelectFamily is disabled.
    if (all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

function resolveAll(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true });
}

function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const rejectAborted = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) rejectAborted();
    signal.addEventListener("abort", rejectAborted, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", rejectAborted);
    });
  });
}
