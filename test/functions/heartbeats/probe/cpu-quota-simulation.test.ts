/** The checker's own slowness is never the targets': real handshakes in a process that is stopped most of the time. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as z from "zod";

import type { TargetInput } from "../../../../functions/heartbeats/contract";
import { createAuthority, type CertificateAuthority } from "../../../support/certificates";
import { sized } from "../../../support/sized";
import { runThrottled } from "../../../support/throttled-process";

const RESPONSE_MS = 50;
/** The share of 512 MB. Stopped for longer than any target may take; the servers, which share a busy machine's CPU, may be late by a second. */
const QUOTA = { periodMs: 3_000, share: 0.29 };
const MAX_LATENCY_MS = 1_200;
const TIMEOUT_SECONDS = 1.5;

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
    const outcomes = outcomesSchema.parse(await runThrottled(checker, targets, QUOTA));
    const reasons = outcomes.map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason !== "up" && reason !== "unmeasured")).toEqual([]);
    expect(reasons).toHaveLength(count);
    // Without the veto these would be failures.
    expect(reasons).toContain("unmeasured");
  });
});
