/** The checker's own slowness is never the targets': real handshakes in a process that is stopped most of the time. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as z from "zod";

import type { TargetInput } from "../../../../functions/heartbeats/contract";
import { createAuthority, type CertificateAuthority } from "../../../support/certificates";
import { sized } from "../../../support/sized";
import { runThrottled } from "../../../support/throttled-process";

const RESPONSE_MS = 50;
/** The share of 512 MB. Stopped for longer than any target may take. */
const QUOTA = { periodMs: 3_000, share: 0.29 };
const MAX_LATENCY_MS = 1_200;
const TIMEOUT_SECONDS = 1.5;
/** On a busy machine the servers are slow themselves. A run in which they were this late says nothing about the checker. */
const SERVERS_LATE_MS = 300;
const RUNS = 5;

const outcomesSchema = z.array(z.looseObject({ reason: z.string().default("up") }));

describe("a checker with a share of a CPU", () => {
  let authority: CertificateAuthority;
  let port = 0;
  let close = (): void => undefined;
  beforeAll(async () => {
    authority = await createAuthority("Throttled Authority");
    const certificate = await authority.issue({ hosts: ["127.0.0.1"], daysLeft: 90 });
    const server = createServer(certificate, (_request, response) => {
      setTimeout(() => response.end("all is well"), RESPONSE_MS);
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1_024 }, resolve));
    port = (server.address() as AddressInfo).port;
    close = () => {
      server.close();
      server.closeAllConnections();
    };
  });
  afterAll(() => {
    close();
  });

  it.each([400, 1_000].slice(0, sized(1, 2)))("calls none of %d targets slow or down", async (count) => {
    const targets = Array.from({ length: count }, (_, index): TargetInput => ({
      name: `target-${index}`,
      url: `https://127.0.0.1:${port}/${index}`,
      private: true,
      certificateAuthority: authority.cert,
      maxLatencyMs: MAX_LATENCY_MS,
      // Half of them give up before they are slow.
      ...(index % 2 === 0 && { timeoutSeconds: TIMEOUT_SECONDS }),
    }));
    const checker = join(__dirname, "../../../support/throttled-checker.ts");
    const delay = monitorEventLoopDelay();
    delay.enable();
    let reasons: readonly string[] = [];
    let wrong: readonly string[] = [];
    for (let run = 0; run < RUNS; run++) {
      delay.reset();
      const outcomes = outcomesSchema.parse(await runThrottled(checker, targets, QUOTA));
      reasons = outcomes.map(({ reason }) => reason);
      wrong = reasons.filter((reason) => reason !== "up" && reason !== "unmeasured");
      if (wrong.length === 0 || delay.max < SERVERS_LATE_MS * 1e6) break;
    }
    delay.disable();
    expect(wrong).toEqual([]);
    expect(reasons).toHaveLength(count);
    // Without the veto these would be failures.
    expect(reasons).toContain("unmeasured");
  });
});
