import { CookieJar } from "../../../../functions/heartbeats/probe/cookie-jar";

const FROM = "https://shop.example.org/account/login";

/** What a page's cookies send to another URL. */
function sent(setCookie: string | readonly string[], to: string, from = FROM): string | undefined {
  const jar = new CookieJar(Date.parse("2026-11-21T06:55:00Z"));
  jar.store(new URL(from), typeof setCookie === "string" ? [setCookie] : setCookie);
  return jar.header(new URL(to));
}

describe("a cookie", () => {
  it.each([
    ["its own host", "a=1; Path=/", "https://shop.example.org/"],
    ["another port", "a=1; Path=/", "https://shop.example.org:8443/"],
    ["subdomains of its domain", "a=1; Path=/; Domain=.shop.example.org", "https://eu.shop.example.org/"],
    ["the domain above, if it says so", "a=1; Path=/; Domain=Example.org", "https://www.example.org/"],
    ["paths beside its own", "a=1", "https://shop.example.org/account/home"],
    ["paths below its own", "a=1; Path=/account", "https://shop.example.org/account/login/done"],
    ["every path, where its own is none", "a=1; Path=account", "https://shop.example.org/account/x"],
  ])("is sent to %s", (_where, setCookie, to) => {
    expect(sent(setCookie, to)).toBe("a=1");
  });

  it.each([
    ["subdomains, if it names no domain", "a=1; Path=/", "https://eu.shop.example.org/"],
    ["the domain above", "a=1; Path=/", "https://example.org/"],
    ["a name that ends alike", "a=1; Path=/; Domain=example.org", "https://badexample.org/"],
    ["a foreign domain", "a=1; Path=/; Domain=example.com", "https://example.com/"],
    ["a whole top-level domain", "a=1; Path=/; Domain=org", "https://other.org/"],
    ["paths elsewhere", "a=1", "https://shop.example.org/"],
    ["a path that begins alike", "a=1; Path=/account", "https://shop.example.org/accounting"],
    ["http, if it is secure", "a=1; Path=/; secure", "http://shop.example.org/"],
  ])("is not sent to %s", (_where, setCookie, to) => {
    expect(sent(setCookie, to)).toBeUndefined();
  });

  it("of an address is sent to no other address", () => {
    expect(sent("a=1; Domain=0.0.7", "http://9.0.0.7/", "http://10.0.0.7/")).toBeUndefined();
    expect(sent("a=1; Domain=10.0.0.7", "http://10.0.0.7/", "http://10.0.0.7/")).toBe("a=1");
  });

  it("is replaced by one of the same name, domain and path, and beside others", () => {
    const to = "https://shop.example.org/account/x";
    expect(sent(["a=1", "b=2", "a=3"], to)).toBe("b=2; a=3");
    for (const both of [
      ["a=1", "a=2; Path=/"],
      ["a=2; Path=/", "a=1"],
    ])
      expect(sent(both, to)).toBe("a=1; a=2");
    expect(sent(["a=1", "a=gone; Max-Age=0"], to)).toBeUndefined();
    expect(sent(["a=1", "a=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], to)).toBeUndefined();
    expect(sent(["a=1", "a=gone; Expires=Sat, 21 Nov 2026 06:54:59 GMT"], to)).toBeUndefined();
    expect(sent("a=1; Expires=Sat, 21 Nov 2026 06:55:10 GMT", to)).toBe("a=1");
    expect(sent("a=1; Max-Age=", to)).toBe("a=1");
    expect(sent(["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"], to)).toBe("a=1");
  });

  it("is dropped where it is too long, and the oldest of more than fifty", () => {
    const to = "https://shop.example.org/account/x";
    expect(sent([`a=${"x".repeat(4_096)}`, "b=2"], to)).toBe("b=2");
    const many = Array.from({ length: 51 }, (_, index) => `c${index}=1`);
    expect(sent(many, to)?.split("; ")).toEqual(many.slice(1));
  });
});
