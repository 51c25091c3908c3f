import { jsonFeed, rssFeed } from "../../../../functions/heartbeats/status-page/feeds";
import { companyDocument, statusDocument, variedDocument } from "../../../support/status-documents";

const PAGE = "https://status.example.org/";

describe("the feeds", () => {
  it("have the latest fifty", () => {
    const [template] = companyDocument().incidents;
    if (template === undefined) throw new Error("no incident");
    const incidents = Array.from({ length: 60 }, (_, index) => {
      const openedAt = new Date(Date.UTC(2026, 9, 1, index)).toISOString();
      return { ...template, id: `site-${index}`, openedAt };
    });
    const { items } = JSON.parse(jsonFeed(statusDocument([], { incidents }), PAGE)) as { items: { id: string }[] };
    expect([items.length, items[0]?.id, items.at(-1)?.id]).toEqual([50, "site-59", "site-10"]);
  });

  it("have incidents and announced maintenance, the latest first, with what was said", () => {
    const { items, ...feed } = JSON.parse(jsonFeed(companyDocument(), PAGE)) as { items: Record<string, string>[] };
    expect(feed).toEqual({
      version: "https://jsonfeed.org/version/1.1",
      title: "Lindwurm Books status",
      home_page_url: PAGE,
      feed_url: `${PAGE}feed.json`,
    });
    expect(items.map(({ title }) => title)).toEqual([
      "Maintenance from 23 Nov 2026, 22:00 UTC: We move the order database to new disks. Orders are accepted, and confirmed when we are done.",
      "Checkout API: status 503, expected 200-299",
      "Sign-in: the name does not resolve (resolved)",
      "Website: no complete response within 10 s (resolved)",
      "Order search: the connection fails (resolved)",
    ]);
    expect(items[3]).toMatchObject({
      id: "website-2026-11-09T10:05:00Z",
      url: `${PAGE}incidents/website-2026-11-09T10-05-00Z.html`,
      date_published: "2026-11-09T10:05:00Z",
      date_modified: "2026-11-09T10:34:00Z",
    });
    expect(items[3]?.["content_text"]).toBe(
      [
        "9 Nov 2026, 10:34 UTC: Up again",
        "9 Nov 2026, 10:05 UTC: identified: A disk of the database is full.\nWe are making room.",
        "9 Nov 2026, 10:05 UTC: Down: no complete response within 10 s",
      ].join("\n"),
    );
  });

  it("do not call an incident resolved that ended when its monitor was removed", () => {
    const [, past] = companyDocument().incidents.map((incident) => ({ ...incident, closedBecause: "removed" }));
    if (past === undefined) throw new Error("no past incident");
    const document = statusDocument([], { incidents: [past] });
    for (const feed of [rssFeed(document, PAGE), jsonFeed(document, PAGE)]) {
      expect(feed).toContain("the name does not resolve (removed)");
      expect(feed).not.toContain("(resolved)");
    }
  });

  it("are the same until something happens: an unchanged feed is not written again", () => {
    const [now, later] = ["2026-11-21T06:55:04Z", "2026-11-21T06:59:04Z"].map((generatedAt) => ({
      ...variedDocument(),
      generatedAt,
    }));
    if (now === undefined || later === undefined) throw new Error("no documents");
    expect(rssFeed(later, PAGE)).toBe(rssFeed(now, PAGE));
    expect(jsonFeed(later, PAGE)).toBe(jsonFeed(now, PAGE));
  });

  it("date maintenance once it begins: readers show an item with a later date from then on", () => {
    const [window] = companyDocument().maintenance;
    if (window === undefined) throw new Error("no maintenance");
    const feedsAt = (generatedAt: string) => {
      const document = statusDocument([], { maintenance: [window], generatedAt });
      return [rssFeed(document, PAGE), jsonFeed(document, PAGE)].map((feed) => /pubDate|date_/.test(feed));
    };
    expect(feedsAt("2026-11-23T21:59:59Z")).toEqual([false, false]);
    expect(feedsAt("2026-11-23T22:00:00Z")).toEqual([true, true]);
  });

  it("tell windows apart that begin at the same time", () => {
    const [window] = companyDocument().maintenance;
    if (window === undefined) throw new Error("no maintenance");
    const maintenance = [
      window,
      { ...window, note: "The network is down for an hour." },
      { ...window, monitors: null },
    ];
    const { items } = JSON.parse(jsonFeed(statusDocument([], { maintenance }))) as { items: { id: string }[] };
    expect(new Set(items.map(({ id }) => id)).size).toBe(3);
  });

  it("are RSS 2.0 with dates as RSS has them", () => {
    const feed = rssFeed(variedDocument(), PAGE);
    expect(feed).toContain('<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">');
    expect(feed).toContain("<pubDate>Mon, 09 Nov 2026 10:05:00 GMT</pubDate>");
    expect(feed).toContain(`<link>${PAGE}incidents/website-2026-11-09T10-05-00Z.html</link>`);
  });

  it("show what people wrote as text: readers take an RSS description for HTML", () => {
    const [first] = variedDocument().incidents;
    if (first === undefined) throw new Error("no incident");
    const text = "<img src=x onerror=alert(1)> & so\non\u202egpj.exe\u001b[2J";
    const timeline = [{ at: "2026-11-09T10:05:00Z", kind: "identified" as const, text }];
    const document = statusDocument([], { title: text, incidents: [{ ...first, message: text, timeline }] });
    const [, html = ""] = /<description>([^<]*)<\/description><\/item>/.exec(rssFeed(document, PAGE)) ?? [];
    const decoded = html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    expect(decoded).toContain("identified: &lt;img src=x onerror=alert(1)&gt; &amp; so<br>on\ufffdgpj.exe");
    const feed = jsonFeed(document, PAGE);
    expect(JSON.parse(feed)).toMatchObject({ items: [{ title: expect.not.stringContaining("\n") as unknown }] });
    expect(`${feed}${JSON.stringify(JSON.parse(feed))}`).not.toMatch(/\u202e|\\u001b/);
  });

  it("have no links where the page has no public address, and mark samples", () => {
    const [first] = variedDocument().incidents;
    if (first === undefined) throw new Error("no incident");
    const document = statusDocument([], { incidents: [{ ...first, sample: true }] });
    expect(jsonFeed(document, "s3://bucket/index.html")).not.toContain("url");
    expect(rssFeed(document)).toContain("<title>Sample: checkout-api: status 503");
  });
});
