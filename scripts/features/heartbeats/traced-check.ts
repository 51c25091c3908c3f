/** Runs one check as the deployed function would, and writes down what it went through on its way. */
import { ForbiddenAddressError } from "../../../functions/heartbeats/probe/ssrf-guard";
import { checkTarget, type ProbeResult } from "../../../functions/heartbeats/probe/check-target";
import type { Target } from "../../../functions/heartbeats/contract";
import type { HttpResponse, HttpRequest, SendHttp } from "../../../functions/heartbeats/probe/http-types";
import { httpClient } from "../../../functions/heartbeats/probe/http-client";
import type { Lookup } from "../../../functions/heartbeats/probe/dns";
import type { Clock } from "../../../functions/shared/clock";

/** What one part of a check took, to its end or to its failure. */
export type Step = { readonly ms: number; readonly failed: boolean } & (
  | { readonly phase: "look-up"; readonly hostname: string; readonly addresses: readonly string[] }
  | {
      /** From connecting to the answer's head, TLS handshake included. */
      readonly phase: "answer";
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
  { lookUp, clock }: { readonly lookUp: Lookup; readonly clock: Clock },
): Promise<TracedCheck> {
  const steps: Step[] = [];
  /** Runs a part and tells of it; `tell` gets nothing where it failed, and may have nothing to tell. */
  const timed = async <Result>(
    part: () => Promise<Result>,
    tell: (took: Took, result: Result | undefined, error?: unknown) => Step | undefined,
  ): Promise<Result> => {
    const start = clock.elapsed();
    const note = (failed: boolean, result?: Result, error?: unknown): void => {
      const step = tell({ ms: clock.elapsed() - start, failed }, result, error);
      if (step !== undefined) steps.push(step);
    };
    try {
      const result = await part();
      note(false, result);
      return result;
    } catch (error) {
      note(true, undefined, error);
      throw error;
    }
  };

  const tracedLookUp: Lookup = (hostname, signal) =>
    timed(
      () => lookUp(hostname, signal),
      (took, found = []) => ({ ...took, phase: "look-up", hostname, addresses: found.map(({ address }) => address) }),
    );
  const send = httpClient(tracedLookUp);
  const tracedSend: SendHttp = async (request, signal) => {
    const before = steps.length;
    const answer = await timed(
      () => send(request, signal),
      (took, answer, error) => {
        // The look-up has a step of its own, and ends before the connection begins.
        const lookUps = steps.slice(before);
        const neverConnected = error instanceof ForbiddenAddressError || lookUps.some(({ failed }) => failed);
        if (neverConnected) return undefined;
        return {
          ...answerStep(request, answer),
          failed: took.failed,
          ms: lookUps.reduce((rest, { ms }) => Math.max(0, rest - ms), took.ms),
        };
      },
    );
    return {
      ...answer,
      readBody: (limits) =>
        timed(
          () => answer.readBody(limits),
          (took) => ({ ...took, phase: "body" }),
        ),
    };
  };
  const observation = await checkTarget(target, { send: tracedSend, clock });
  return { steps, observation };
}

type Took = Pick<Step, "ms" | "failed">;
type AnswerStep = Extract<Step, { readonly phase: "answer" }>;

function answerStep({ method, url }: HttpRequest, answer: HttpResponse | undefined): Omit<AnswerStep, keyof Took> {
  const { status, location, certificateExpiresAt } = answer ?? {};
  return {
    phase: "answer",
    method,
    url: url.href,
    ...(status !== undefined && { status }),
    ...(location !== undefined && { location }),
    ...(certificateExpiresAt !== undefined && { certificateExpiresAt: new Date(certificateExpiresAt).toISOString() }),
  };
}
