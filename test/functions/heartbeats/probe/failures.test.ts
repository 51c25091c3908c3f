import type { FailureReason } from "../../../../functions/heartbeats/contract";
import { CheckTimeoutError, failureOf } from "../../../../functions/heartbeats/probe/failures";
import fc from "../../../support/fast-check";

const withCode = (code: string, message = "went wrong") => Object.assign(new Error(message), { code });

describe("an error met during a check", () => {
  it.each<[FailureReason, readonly string[]]>([
    ["dns", ["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL"]],
    ["refused", ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"]],
    ["reset", ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]],
    ["timeout", ["ETIMEDOUT"]],
    ["protocol", ["HPE_INVALID_CONSTANT", "HPE_HEADER_OVERFLOW"]],
    [
      "tls",
      [
        "CERT_HAS_EXPIRED",
        "CERT_SIGNATURE_FAILURE",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "EPROTO",
        "HOSTNAME_MISMATCH",
      ],
    ],
  ])("is %s with codes %s, which the message tells", (reason, codes) => {
    for (const code of codes) {
      const failure = failureOf(withCode(code));
      expect(failure.reason).toBe(reason);
      expect(failure.message).toContain(`(${code})`);
    }
  });

  it("is dns for whatever the resolver says of a name, but not for a limit of this process", () => {
    const resolving = (code: string) => Object.assign(withCode(code), { syscall: "getaddrinfo" });
    for (const code of ["EINVAL", "ENAMETOOLONG", "ESRCH"])
      expect(failureOf(resolving(code))).toEqual({ reason: "dns", message: `the name cannot be resolved (${code})` });
    expect(failureOf(resolving("EMFILE")).reason).toBe("internal");
  });

  it("is what the most telling of several addresses met", () => {
    expect(failureOf(new AggregateError([withCode("ENETUNREACH"), withCode("ETIMEDOUT")])).reason).toBe("timeout");
  });

  it("is plain for what Node says by OpenSSL's source lines only", () => {
    const message =
      "807C916CA17F0000:error:0A000410:SSL routines:ssl3_read_bytes:alert handshake failure:../openssl/ssl.c:1:";
    expect(failureOf(withCode("EPROTO", message)).message).toBe("alert handshake failure (EPROTO)");
    expect(failureOf(withCode("EPROTO", "openssl/ssl.c:12")).message).toBe("the TLS handshake failed (EPROTO)");
    const names = withCode("ERR_TLS_CERT_ALTNAME_INVALID", "DNS:a.test, ".repeat(1_000));
    expect(failureOf(names).message).toBe("the certificate is for other names (ERR_TLS_CERT_ALTNAME_INVALID)");
  });

  it("keeps OpenSSL's source lines to itself", () => {
    const message = "C0:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/ssl.c:355:\n";
    const error = Object.assign(withCode("EPROTO", message), { reason: "wrong version number" });
    expect(failureOf(error)).toEqual({ reason: "tls", message: "the server does not respond with TLS (EPROTO)" });
    const other = Object.assign(withCode("EPROTO", message), { reason: "bad record mac" });
    expect(failureOf(other)).toEqual({ reason: "tls", message: "bad record mac (EPROTO)" });
  });

  it("is a timeout when the check's own timer ended it", () => {
    const failure = { reason: "timeout", message: "no complete response within 1.5 s" };
    expect(failureOf(new CheckTimeoutError(1.5))).toEqual(failure);
  });

  it("is internal when nothing is known of it: a fault of ours is not the target's", () => {
    expect(failureOf(new TypeError("x is not a function")).reason).toBe("internal");
    expect(failureOf(withCode("EMFILE"))).toEqual({ reason: "internal", message: "the check broke: went wrong" });
  });

  it("may be anything, even what cannot be made a string", () => {
    const thrown = { toString: null };
    expect(failureOf(thrown)).toEqual({ reason: "internal", message: "the check broke: { toString: null }" });
    expect(failureOf("enough").message).toBe("the check broke: enough");
  });

  it("always has a reason and a message, whatever was thrown", () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(failureOf(thrown)).toEqual({
          reason: expect.any(String) as unknown,
          message: expect.any(String) as unknown,
        });
      }),
    );
  });
});
