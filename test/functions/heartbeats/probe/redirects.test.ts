import type { HttpRequest } from "../../../../functions/heartbeats/probe/http-types";
import { isRedirect, redirected, RedirectError } from "../../../../functions/heartbeats/probe/redirects";
import fc from "../../../support/fast-check";

const credentials = new Set(["x-key", "authorization"]);
const headers = { Accept: "text/html", "X-Key": "private", "Content-Type": "text/plain" };
const request: HttpRequest = {
  method: "POST",
  url: new URL("https://a.test/deep/page?x=1"),
  headers,
  body: "text",
  reach: "public",
};
const redirect = (status: number, location: string, given = request) =>
  redirected(given, { status, location }, 0, credentials);

describe("a redirect", () => {
  it("is one of five statuses", () => {
    const statuses = Array.from({ length: 500 }, (_, index) => index + 100);
    expect(statuses.filter((status) => isRedirect({ status }))).toEqual([301, 302, 303, 307, 308]);
  });

  it.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
  ])("%i of a %s is followed by a %s, with the body only where the method stays", (status, method, followedBy) => {
    const followed = redirect(status, "/next", { ...request, method });
    expect(followed.method).toBe(followedBy);
    const kept = status !== 303 && method === followedBy;
    expect(followed.body).toBe(kept ? "text" : undefined);
    expect("Content-Type" in followed.headers).toBe(kept);
    expect(followed.headers["X-Key"]).toBe("private");
  });

  it.each([
    ["/next", "https://a.test/next"],
    ["next", "https://a.test/deep/next"],
    ["?y=2", "https://a.test/deep/page?y=2"],
    ["//b.test/", "https://b.test/"],
    // Bytes of UTF-8, and of Latin-1, as Node reads them.
    [Buffer.from("/café?ü").toString("latin1"), "https://a.test/caf%C3%A9?%C3%BC"],
    ["/caf\xe9", "https://a.test/caf%E9"],
    [Buffer.from("https://bücher.test/").toString("latin1"), "https://xn--bcher-kva.test/"],
    ["http://a.test/", "http://a.test/"],
  ])("to %s leads to %s", (location, url) => {
    expect(redirect(307, location).url.href).toBe(url);
  });

  it("sends credentials to their own origin only, and other headers everywhere", () => {
    const origin = fc.constantFrom(
      "https://a.test",
      "https://a.test:8443",
      "http://a.test",
      "https://b.test",
      "//c.test",
    );
    fc.assert(
      fc.property(origin, fc.constantFrom(301, 302, 303, 307, 308), (origin, status) => {
        const followed = redirect(status, `${origin}/path`);
        expect("X-Key" in followed.headers).toBe(origin === "https://a.test");
        expect(followed.headers).toMatchObject({ Accept: "text/html" });
      }),
    );
    const there = redirect(307, "https://b.test/");
    const back = redirect(307, "https://a.test/", { ...there, body: "text" });
    expect(back.headers).toEqual({ Accept: "text/html", "Content-Type": "text/plain" });
  });

  it.each<[string, string | undefined, RegExp]>([
    ["has no Location", undefined, /without Location/],
    ["has a Location that is no URL", "https://[", /invalid Location/],
    ["leads out of http", "file:///etc/passwd", /not http\(s\): file:/],
  ])("that %s cannot be followed", (_name, location, message) => {
    const follow = () => redirected(request, { status: 302, location }, 0, credentials);
    expect(follow).toThrow(RedirectError);
    expect(follow).toThrow(message);
  });

  it("is followed five times, not six", () => {
    const answer = { status: 302, location: "/again" };
    expect(() => redirected(request, answer, 4, credentials)).not.toThrow();
    expect(() => redirected(request, answer, 5, credentials)).toThrow("more than 5 redirects");
  });

  it("takes a private target no further than its network, but to its own host", () => {
    const anywhere: HttpRequest = { ...request, reach: "anywhere" };
    expect(redirect(302, "http://a.test:8080/", anywhere).reach).toBe("anywhere");
    expect(redirect(302, "https://b.test/", anywhere).reach).toBe("private");
    expect(redirect(303, "https://b.test/", { ...anywhere, reach: "private" }).reach).toBe("private");
    expect(redirect(302, "/", { ...anywhere, reach: "private" }).reach).toBe("private");
    expect(redirect(302, "https://b.test/").reach).toBe("public");
  });
});
