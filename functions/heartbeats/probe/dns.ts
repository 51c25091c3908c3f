import { lookup } from "node:dns/promises";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/**
 * Looks a host name up. Rejects with the signal's reason as soon as it aborts.
 */
export type Lookup = (hostname: string, signal: AbortSignal) => Promise<readonly ResolvedAddress[]>;

/**
 * {@link Lookup} by the operating system (getaddrinfo), so that /etc/hosts and search domains count here as they do for
 * everything else on the machine. Such a look-up holds one of few threads and cannot be aborted: look-ups of one name under way
 * at the same time are shared, and who gives up leaves it to end by itself.
 */
export function systemLookup(resolve: (hostname: string) => Promise<readonly ResolvedAddress[]> = resolveAll): Lookup {
  const underWay = new Map<string, Promise<readonly ResolvedAddress[]>>();
  const shared = (hostname: string): Promise<readonly ResolvedAddress[]> => {
    const known = underWay.get(hostname);
    if (known !== undefined) return known;
    const started = resolve(hostname).finally(() => underWay.delete(hostname));
    underWay.set(hostname, started);
    return started;
  };
  return (hostname, signal) => unlessAborted(shared(hostname), signal);
}

function resolveAll(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true });
}

function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", giveUp);
    });
  });
}
