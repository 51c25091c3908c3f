/** Runs one check as the deployed function does, and records its steps. */
import { ForbiddenAddressError } from "../../../functions/heartbeats/probe/ssrf-guard";
import { checkTarget, type ProbeResult } from "../../../functions/heartbeats/probe/check-target";
import type { Target } from "../../../functions/heartbeats/contract";
import type { HttpResponse, HttpRequest, SendHttp } from "../../../functions/heartbeats/probe/http-types";
import { httpClient } from "../../../functions/heartbeats/probe/http-client";
import type { Lookup } from "../../../functions/heartbeats/probe/dns";
import type { Clock } from "../../../functions/shared/clock";

/** One step of a check, successful or failed. */
export type Step = { readonly ms: number; readonly failed: boolean } & (
  | { readonly phase: "lookup"; readonly hostname: string; readonly addresses: readonly string[] }
  | {
      /** From connecting to the response's headers, TLS handshake included. */
      readonly phase: "response";
      readonly method: string;
      readonly url: string;
      readonly status?: number;
      readonly location?: string;
      /** ISO 8601, UTC. */
      readonly certificateExpiresAt?: string;
    }
  | { readonly phase: "body" }
);

export interface TracedCheck {
  readonly steps: readonly Step[];
  readonly observation: ProbeResult;
}

export async function tracedCheck(
  target: Target,
  { lookup, clock }: { readonly lookup: Lookup; readonly clock: Clock },
): Promise<TracedCheck> {
  const steps: Step[] = [];
  /** Runs a part and records its step. `stepOf` gets no result when the part failed, and may return no step. */
  const timed = async <Result>(
    part: () => Promise<Result>,
    stepOf: (took: Took, result: Result | undefined, error?: unknown) => Step | undefined,
  ): Promise<Result> => {
    const start = clock.elapsed();
    const record = (failed: boolean, result?: Result, error?: unknown): void => {
      const step = stepOf({ ms: clock.elapsed() - start, failed }, result, error);
      if (step !== undefined) steps.push(step);
    };
    try {
      const result = await part();
      record(false, result);
      return result;
    } catch (error) {
      record(true, undefined, error);
      throw error;
    }
  };

  const tracedLookup: Lookup = (hostname, signal) =>
    timed(
      () => lookup(hostname, signal),
      (took, found = []) => ({ ...took, phase: "lookup", hostname, addresses: found.map(({ address }) => address) }),
    );
  const send = httpClient(tracedLookup);
  const tracedSend: SendHttp = async (request, signal) => {
    const before = steps.length;
    const response = await timed(
      () => send(request, signal),
      (took, received, error) => {
        // DNS lookups have steps of their own, and end before the connection begins.
        const lookups = steps.slice(before);
        const neverConnected = error instanceof ForbiddenAddressError || lookups.some(({ failed }) => failed);
        if (neverConnected) return undefined;
        return {
          ...responseStep(request, received),
          failed: took.failed,
          ms: lookups.reduce((rest, { ms }) => Math.max(0, rest - ms), took.ms),
        };
      },
    );
    return {
      ...response,
      readBody: (limits) =>
        timed(
          () => response.readBody(limits),
          (took) => ({ ...took, phase: "body" }),
        ),
    };
  };
  const observation = await checkTarget(target, { send: tracedSend, clock });
  return { steps, observation };
}

type Took = Pick<Step, "ms" | "failed">;
type ResponseStep = Extract<Step, { readonly phase: "response" }>;

function responseStep(
  { method, url }: HttpRequest,
  response: HttpResponse | undefined,
): Omit<ResponseStep, keyof Took> {
  const { status, location, certificateExpiresAt } = response ?? {};
  return {
    phase: "response",
    method,
    url: url.href,
    ...(status !== undefined && { status }),
    ...(location !== undefined && { location }),
    ...(certificateExpiresAt !== undefined && { certificateExpiresAt: new Date(certificateExpiresAt).toISOString() }),
  };
}
