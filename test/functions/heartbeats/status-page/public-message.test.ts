import { assertResponse } from "../../../../functions/heartbeats/probe/assertions";
import { cronResult } from "../../../../functions/heartbeats/monitors/check-result";
import { targetSchema } from "../../../../functions/heartbeats/contract";
import { CheckTimeoutError, failureOf } from "../../../../functions/heartbeats/probe/failures";
import { SecretReadError } from "../../../../functions/heartbeats/probe/header-secrets";
import { BodyEncodingError } from "../../../../functions/heartbeats/probe/http-types";
import { ForbiddenAddressError } from "../../../../functions/heartbeats/probe/ssrf-guard";
import { publicMessage } from "../../../../functions/heartbeats/status-page/public-message";

const codeError = (code: string, message = "") => Object.assign(new Error(message), { code });

describe("the public message of a failure", () => {
  it.each([
    [
      new ForbiddenAddressError(
        "intranet.example.org resolves to 10.20.30.40,",
        { kind: "a private address", range: "10.0.0.0/8" },
        "public",
      ),
      "the address may not be checked",
    ],
    [new SecretReadError("the parameter /almanac/token cannot be read"), "the check could not run"],
    [codeError("EPROTO", "alert from 10.20.30.40"), "the TLS handshake fails"],
    [codeError("ENOTFOUND"), "the name does not resolve"],
    [
      new BodyEncodingError('the body is in Content-Encoding "S3cr3t", which is not supported'),
      "the response is not valid HTTP",
    ],
    [new Error("connect 10.20.30.40:80"), "the check could not run"],
    [new CheckTimeoutError(10), "no complete response within 10 s"],
  ])("names neither addresses nor parameters: %s", (error, sentence) => {
    expect(publicMessage(failureOf(error))).toBe(sentence);
  });

  it("has what a response should contain in no case, and numbers in every", () => {
    const target = targetSchema.parse({
      name: "site",
      url: "https://example.org",
      bodyContains: "S3cr3t",
      maxLatencyMs: 100,
      minCertificateDays: 30,
    });
    const response = { status: 200, body: "S3cr3t", latencyMs: 50, redirects: 0, certificateDaysLeft: 90 };
    const said = (overrides: object) => {
      const outcome = assertResponse(target, { ...response, ...overrides });
      return outcome.ok ? undefined : publicMessage(outcome);
    };
    expect(said({ body: "" })).toBe("unexpected content");
    expect(said({ status: 503, redirects: 2 })).toBe("status 503 after 2 redirects, expected 200-299");
    expect(said({ latencyMs: 250.4 })).toBe("took 250 ms, at most 100 expected");
    expect(said({ certificateDaysLeft: -1 })).toBe("the certificate expires in -1 days, at least 30 expected");
    expect(publicMessage(cronResult({ everySeconds: 60, graceSeconds: 0 }, { heartbeatAt: 0 }, 0, 90_000))).toBe(
      "no heartbeat since 1970-01-01T00:00:00.000Z, expected every 60 s",
    );
  });

  it("is a sentence where a message has more than numbers", () => {
    const numbers = "took 250 ms, at most 100 expected";
    for (const message of [`${numbers} of 10.20.30.40`, `10.20.30.40 ${numbers}`])
      expect(publicMessage({ reason: "slow", message })).toBe("the response is slow");
  });

  it("is a sentence for reasons of other versions too", () => {
    expect(publicMessage({ reason: "toString", message: "10.20.30.40" })).toBe("the check failed");
    expect(publicMessage({})).toBe("the check failed");
  });
});
