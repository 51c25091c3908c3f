import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

import fc from "fast-check";

import { statusBadge } from "../../../../functions/heartbeats/status-page/badge";
import type { StatusDocument, MonitorStatus } from "../../../../functions/heartbeats/status-page/document";
import { statusPage } from "../../../../functions/heartbeats/status-page/html";
import { largeDocument, statusDocument, monitorStatus, variedDocument } from "../../../support/status-documents";

const GENERATED_AT = "2026-11-21T07:12:09Z";

/** A tag as our templates write it: each attribute quoted, or without a value. */
const TAG = /<(\/?[a-z][a-z0-9]*|!doctype)((?:\s+[a-zA-Z][a-zA-Z-]*(?:="[^"<>]*")?)*)\s*\/?>/g;

/** Tags and attribute names, in order. Fails where text contains markup. */
function skeleton(html: string): readonly string[] {
  const own = html.replace(/<style>[^<]*<\/style>/, "").replace(/<script>[\s\S]*?<\/script>/, "");
  const text = own.replace(TAG, "");
  expect(text).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot|#39);)/);
  return [...own.matchAll(TAG)].map(([, name = "", attributes = ""]) =>
    [
      name,
      ...attributes
        .replace(/="[^"]*"/g, "")
        .trim()
        .split(/\s+/),
    ].join(" "),
  );
}

/** A document with this in place of every text that comes from users or targets. */
function documentOf(text: string): StatusDocument {
  const monitor: MonitorStatus = {
    ...monitorStatus(text, { state: "down", message: text, days: { 3: { down: 0.2 }, 9: { noData: 1 } } }),
    since: text,
  };
  const days = monitor.days.map((day) => ({ ...day, date: text }));
  const hours = monitor.hours.map((hour) => ({ ...hour, start: text }));
  const incident = { id: text, monitor: text, message: text, openedAt: text, severity: "down" } as const;
  return statusDocument([{ ...monitor, days, hours }], {
    app: text,
    environment: text,
    incidents: [
      { ...incident, closedAt: null },
      { ...incident, closedAt: text },
    ],
  });
}

const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom(...Array.from("<>\"'&;=/`!- "), "script", "--", "]]>", "onload=", "javascript:", "\u0000"),
  }),
  fc.constantFrom(
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<!--",
    "]]><svg onload=alert(1)>",
    "&lt;script&gt;",
  ),
);

describe("untrusted text", () => {
  it("never becomes markup, in content, attributes or charts", () => {
    const harmless = skeleton(statusPage(documentOf("x")));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(skeleton(statusPage(documentOf(text)))).toEqual(harmless);
      }),
    );
  });

  it("never becomes markup in a badge", () => {
    const badge = (text: string) => statusBadge(monitorStatus(text), GENERATED_AT).toString();
    const harmless = skeleton(badge("x"));
    fc.assert(
      fc.property(hostile, (text) => {
        expect(skeleton(badge(text))).toEqual(harmless);
      }),
    );
  });
});

describe("a status page", () => {
  const page = statusPage(variedDocument());

  it("lets a browser run its own script and style and nothing else", () => {
    const hash = (element: string) => {
      const [, content = ""] = new RegExp(`<${element}>([\\s\\S]*?)</${element}>`).exec(page) ?? [];
      return `sha256-${createHash("sha256").update(content).digest("base64")}`;
    };
    expect(page).toContain(
      `default-src &#39;none&#39;; style-src &#39;${hash("style")}&#39;; script-src &#39;${hash("script")}&#39;;`,
    );
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toMatch(/\son[a-z]+=|\sstyle="/);
  });

  it("makes no requests", () => {
    expect(page).not.toMatch(/(?:src|href)="(?!#|status\.json|data:image\/svg\+xml,|")/);
    expect(page).not.toMatch(/url\(|@import/);
  });

  it("shows the state of each monitor as text", () => {
    const states = [...page.matchAll(/<p class="state"><b>([a-z ]+)<\/b>/g)].map(([, state]) => state);
    expect(states).toEqual(["up", "down", "maintenance", "up", "no data", "up", "no data"]);
  });

  it("shows when it was generated, and when it is out of date", () => {
    expect(page).toContain(`data-stale-at="${Date.parse("2026-11-21T07:10:04Z")}"`); // 15 minutes after it was generated
    expect(page.replace(/<[^>]+>/g, "")).toContain(
      "As of 21 Nov 2026, 06:55 UTC. Checked every 5 minutes: after 07:10 UTC this page is out of date.",
    );
  });

  it("describes its charts as text", () => {
    expect(page).toContain(
      'aria-label="History of 90 days until 21 Nov 2026: up all day on 88, downtime on 2"', // website
    );
    expect(page).toContain(
      'aria-label="History of 21 days until 21 Nov 2026: up all day on 19, downtime on 2"', // docs
    );
    expect(page).toContain('aria-label="History until 21 Nov 2026: no data yet"'); // brand-new
    expect(page).toMatch(
      /aria-label="Latency of the last 24 hours: median \d+ ms to \d+ ms, 95th percentile \d+ ms to/,
    );
    expect(page).toContain("no data in 4 hours");
    expect(page).toContain('aria-label="Latency of the last 24 hours: no data"');
  });

  it("highlights certificates that expire soon and missing checks", () => {
    expect(page).toContain('<dd class="warn">5 days left</dd>');
    expect(page).toContain('<dd class="fine">61 days left</dd>');
    expect(page).toContain('<dd class="warn">only 20 %</dd>');
  });

  it("separates open incidents from past ones", () => {
    const text = page.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
    expect(text).toContain("Open incidents checkout-api is down 21 Nov 2026, 06:12 UTC , open for 43 min status 503");
    expect(text).toContain(
      "website recovered 9 Nov 2026, 10:05 UTC to 10:34 UTC , 29 min no complete response within 10 s",
    );
    expect(statusPage(statusDocument([monitorStatus("site")]))).not.toContain("Open incidents");
  });

  it("does not say that all is up where no monitors are configured", () => {
    const empty = statusPage(statusDocument([]));
    expect(empty).toContain("No monitors configured");
    expect(empty).toContain('class="banner unknown"');
  });

  it("is at most 150 KB gzipped with 100 targets over 90 days", () => {
    expect(gzipSync(statusPage(largeDocument(100))).length).toBeLessThanOrEqual(150 * 1024);
  });
});

describe("the bars of a history", () => {
  const bars = (days: Parameters<typeof monitorStatus>[1]) => {
    const page = statusPage(statusDocument([monitorStatus("site", days)]));
    const [svg = ""] = /<svg class="bars" role="img"[\s\S]*?<\/svg>/.exec(page) ?? [];
    return svg;
  };
  const bandsAt = (svg: string, ago: number) =>
    [...svg.matchAll(/<path class="(\w+)" d="([^"]*)"/g)]
      .filter(([, , d = ""]) => `${d}M`.includes(`M${(89 - ago) * 10 + 5} `))
      .map(([, band]) => band);

  it("are one path for all days that are alike", () => {
    expect(bars({}).match(/<path/g)).toHaveLength(1);
    expect(bars({ days: { 40: { down: 0.5 } } }).match(/<path/g)).toHaveLength(4);
  });

  it("show a minute of downtime, and a day without data as anything but up", () => {
    expect(bandsAt(bars({ days: { 7: { down: 1 / 1440 } } }), 7).sort()).toEqual(["down", "up"]);
    expect(bandsAt(bars({ days: { 7: { noData: 1 } } }), 7)).toEqual(["none"]);
    expect(bandsAt(bars({ knownDays: 5 }), 7)).toEqual(["before"]);
  });

  it("stay inside their chart, whatever the day was like", () => {
    const shares = fc
      .tuple(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100))
      .filter((parts) => parts.some((part) => part > 0))
      .map((parts) => {
        const total = parts.reduce((a, b) => a + b, 0);
        const [, down = 0, maintenance = 0, noData = 0] = parts.map((part) => part / total);
        return { down, maintenance, noData };
      });
    fc.assert(
      fc.property(shares, (day) => {
        const spans = [...bars({ days: { 7: day } }).matchAll(/M825 (\d+)V(\d+)/g)]
          .map(([, from, to]) => [Number(to), Number(from)] as const)
          .sort(([a], [b]) => a - b);
        expect(spans.length).toBeGreaterThan(0);
        for (const [index, [top, foot]] of spans.entries()) {
          expect(top).toBeGreaterThanOrEqual(index === 0 ? 0 : (spans[index - 1]?.[1] ?? 0));
          expect(foot).toBeLessThanOrEqual(32);
          expect(foot).toBeGreaterThan(top);
        }
      }),
    );
  });

  it("have a tooltip for each day", () => {
    const svg = bars({ days: { 0: { down: 0.1 }, 7: { noData: 1 }, 8: { noData: 1 } } });
    const titles = [...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      "24 Aug 2026 to 12 Nov 2026: up all day",
      "13 Nov 2026 to 14 Nov 2026: no data all day",
      "15 Nov 2026 to 20 Nov 2026: up all day",
      "21 Nov 2026: down 42 min", // of the 6 h 55 min that it had lasted
    ]);
  });
});

describe("a badge", () => {
  it("says the state and the uptime of 30 days", () => {
    expect(statusBadge(monitorStatus("site", { days: { 3: { down: 0.06 } } }), GENERATED_AT).toString()).toContain(
      'aria-label="site: up, 99.8 % uptime"',
    );
    expect(statusBadge(monitorStatus("site", { state: "down" }), GENERATED_AT).toString()).toContain(
      "<title>site: down, 100 % uptime in 30 days",
    );
  });

  it("shows the hour of its data, and changes once an hour", () => {
    const at = (time: string) => statusBadge(monitorStatus("site"), `2026-11-21T${time}Z`).toString();
    expect(at("07:12:09")).toContain("in 30 days, as of 2026-11-21 07:00 UTC</title>");
    expect(at("07:59:59")).toBe(at("07:00:00"));
    expect(at("08:00:00")).not.toBe(at("07:59:59"));
  });

  it("never shows missing data as up", () => {
    const svg = statusBadge(monitorStatus("site", { state: "unknown" }), GENERATED_AT).toString();
    expect(svg).toContain("no data");
    expect(svg).not.toMatch(/\bup\b|uptime/);
  });
});
