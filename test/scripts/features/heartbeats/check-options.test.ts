import { targetOf, type CheckOptions } from "../../../../scripts/features/heartbeats/check-options";
import { UsageError } from "../../../../scripts/shared/terminal/command-line";

const URL_GIVEN = "https://example.org/";

describe("a target on the command line", () => {
  it("has the defaults of main.ts", () => {
    expect(targetOf(URL_GIVEN, {})).toMatchObject({
      method: "GET",
      url: URL_GIVEN,
      timeoutSeconds: 10,
      expectedStatus: ["200-299"],
      followRedirects: true,
      private: false,
    });
  });

  it("has a field for each option", () => {
    const options: CheckOptions = {
      method: "post",
      header: ["X-Probe: a:b", "Accept:text/html"],
      body: "text",
      timeout: "2.5",
      expectStatus: "200-299, 404",
      contains: "well",
      matches: "^all",
      maxLatency: "300",
      maxBody: "1000",
      certificateDays: "0",
      private: true,
      follow: false,
    };
    expect(targetOf("http://localhost/", options)).toMatchObject({
      name: "check",
      url: "http://localhost/",
      method: "POST",
      headers: { "X-Probe": "a:b", Accept: "text/html" },
      body: "text",
      timeoutSeconds: 2.5,
      expectedStatus: ["200-299", 404],
      bodyContains: "well",
      bodyMatches: "^all",
      maxLatencyMs: 300,
      maxBodyBytes: 1_000,
      minCertificateDays: 0,
      private: true,
      followRedirects: false,
    });
  });

  it.each<[string, string, CheckOptions, RegExp]>([
    ["no URL", "example.org", {}, /^<url>: is not an http\(s\) URL$/],
    ["a private address", "http://10.0.0.7/", {}, /^<url>: is at a private address \(10.0.0.0\/8\), .* --private/],
    ["another method", URL_GIVEN, { method: "fetch" }, /^--method: /],
    ["a header without a value", URL_GIVEN, { header: ["X-Probe"] }, /^--header: "X-Probe" is not of the form/],
    ["a credential in a header", URL_GIVEN, { header: ["Authorization: x"] }, /^--header: is a credential/],
    ["a timeout that is no number", URL_GIVEN, { timeout: "soon" }, /^--timeout: .*number/],
    ["a timeout too long", URL_GIVEN, { timeout: "600" }, /^--timeout: /],
    [
      "a status that is none",
      URL_GIVEN,
      { expectStatus: "200-299,ok" },
      /^--expect-status: is neither a status nor a range/,
    ],
    ["a broken pattern", URL_GIVEN, { matches: "(" }, /^--matches: is not a regular expression$/],
    ["a file that is not there", URL_GIVEN, { ca: "nowhere.pem" }, /^--ca: nowhere.pem: no such file or folder$/],
    ["several at once", "x", { matches: "(" }, /^<url>: .*\n--matches: /],
  ])("refuses %s, naming the option", (_name, url, options, message) => {
    expect(() => targetOf(url, options)).toThrow(UsageError);
    expect(() => targetOf(url, options)).toThrow(message);
  });
});
