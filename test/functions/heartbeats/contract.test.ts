import {
  MAX_CONCURRENT_CHECKS,
  targetSchema,
  targetsSchema,
  worstCaseBodyMegabytes,
  worstCaseSeconds,
} from "../../../functions/heartbeats/contract";

describe("a target", () => {
  const target = { name: "site", url: "https://example.org/" };

  it("needs a name and a URL, and no more", () => {
    expect(targetSchema.parse(target)).toEqual({
      ...target,
      method: "GET",
      headers: {},
      timeoutSeconds: 10,
      expectedStatus: ["200-299"],
      maxBodyBytes: 1_048_576,
      minCertificateDays: 7,
      followRedirects: true,
      private: false,
      failuresBeforeDown: 3,
      successesBeforeUp: 2,
      maintenance: [],
    });
  });

  it.each<[string, object, string, RegExp]>([
    ["a name in capitals", { name: "Site" }, "name", /lower case/],
    ["another protocol", { url: "ftp://example.org" }, "url", /http/],
    ["credentials in the URL", { url: "https://me:secret@example.org" }, "url", /credential/],
    ["a credential in a header", { headers: { Authorization: "Bearer x" } }, "headers.Authorization", /credential/],
    [
      "a secret without its name",
      { headers: { Authorization: { ssm: "token" } } },
      "headers.Authorization.ssm",
      /not an SSM parameter name/,
    ],
    [
      "a secret over http",
      { url: "http://example.org/", headers: { Authorization: { ssm: "/shop/token" } } },
      "url",
      /secret header in plain text/,
    ],
    ["a header of no text", { headers: { "X-A": 1 } }, "headers.X-A", /neither a header value nor/],
    ["a header split in two", { headers: { "X-A": "a\r\nX-B: b" } }, "headers.X-A", /not a header value/],
    ["a header Node cannot send", { headers: { "X-A": "ł" } }, "headers.X-A", /not a header value/],
    ["a broken regular expression", { bodyMatches: "(" }, "bodyMatches", /regular expression/],
    ["a status range that starts after its end", { expectedStatus: ["299-200"] }, "expectedStatus.0", /after its end/],
    [
      "an address of one's own network",
      { url: "http://10.0.0.7/" },
      "url",
      /private address \(10.0.0.0\/8\).*private: true/,
    ],
    ["an address in another notation", { url: "http://0x7f.1:80/" }, "url", /loopback address \(127.0.0.0\/8\)/],
    ["a loopback name", { url: "https://app.localhost./" }, "url", /a loopback name/],
    ["an unknown field", { metod: "GET" }, "", /metod/],
  ])("refuses %s, naming the field", (_name, fields, path, message) => {
    const issues = targetSchema.safeParse({ ...target, ...fields }).error?.issues ?? [];
    expect(issues.map((issue) => issue.path.join("."))).toContain(path);
    expect(issues.map((issue) => JSON.stringify(issue)).join()).toMatch(message);
  });

  it("may be anywhere when it is private", () => {
    for (const url of ["http://10.0.0.7/", "http://[::1]:8080/", "http://localhost/"])
      expect(targetSchema.parse({ ...target, url, private: true }).url).toBe(url);
  });

  it("has a name of its own", () => {
    const issues = targetsSchema.safeParse([target, target]).error?.issues;
    expect(issues).toEqual([expect.objectContaining({ path: [1, "name"], message: "is used twice" })]);
  });
});

describe("the worst case", () => {
  const many = Array.from({ length: 2 * MAX_CONCURRENT_CHECKS }, () => ({
    url: "https://a.test/",
    timeoutSeconds: 10,
    maxBodyBytes: 1_048_576,
  }));

  it("of time is that of the waves of checks, and one more", () => {
    expect(worstCaseSeconds([])).toBe(0);
    expect(worstCaseSeconds([{ url: "https://a.test/", timeoutSeconds: 60 }])).toBeCloseTo(60.15 + 1 / 7);
    expect(worstCaseSeconds(many)).toBeCloseTo(30 + 800 / 24);
  });

  it("of memory is four times the largest bodies that are held at once", () => {
    expect(worstCaseBodyMegabytes(many)).toBe(0);
    expect(worstCaseBodyMegabytes(many.map((target) => ({ ...target, bodyContains: "x" })))).toBe(
      4 * MAX_CONCURRENT_CHECKS,
    );
    expect(worstCaseBodyMegabytes([{ maxBodyBytes: 1, bodyMatches: "x" }])).toBe(1);
  });
});
