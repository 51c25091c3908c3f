import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

import { statusBadge } from "../../../../../functions/heartbeats/status-page/markup/badge";
import type { StatusDocument, MonitorStatus } from "../../../../../functions/heartbeats/status-page/document";
import { rssFeed } from "../../../../../functions/heartbeats/status-page/feeds";
import { incidentPage } from "../../../../../functions/heartbeats/status-page/markup/incident-page";
import { statusPage } from "../../../../../functions/heartbeats/status-page/markup/page";
import {
  companyDocument,
  largeDocument,
  statusDocument,
  monitorStatus,
  variedDocument,
} from "../../../../support/status-documents";
import { anyCodePoint } from "../../../../support/code-points";
import fc from "../../../../support/fast-check";

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
  const texts = { title: text, description: text, group: text };
  const monitor: MonitorStatus = {
    ...monitorStatus(text, { state: "down", message: text, days: { 3: { down: 0.2 }, 9: { noData: 1 } }, ...texts }),
    since: text,
    sampleUntil: text,
  };
  const days = monitor.days.map((day) => ({ ...day, date: text }));
  const hours = monitor.hours.map((hour) => ({ ...hour, start: text }));
  const timeline = [
    { at: text, kind: "opened", text },
    { at: text, kind: "update", text },
  ] as const;
  const incident = { id: text, monitor: text, message: text, openedAt: text, severity: "down", timeline } as const;
  return statusDocument([{ ...monitor, days, hours }], {
    app: text,
    environment: text,
    title: text,
    incidents: [
      { ...incident, closedAt: null },
      { ...incident, closedAt: text },
    ],
    maintenance: [{ from: text, to: text, note: text, monitors: [text] }],
  });
}

const hostile = fc.oneof(
  fc.string({ unit: anyCodePoint }),
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

  it("never becomes markup in the page of an incident, nor in the RSS feed", () => {
    const files = (text: string) => {
      const document = documentOf(text);
      return document.incidents.map((incident) => skeleton(incidentPage(incident, document, { title: text })));
    };
    const harmless = files("x");
    const feed = (text: string) =>
      rssFeed({ ...documentOf(text), incidents: [], maintenance: [] }).replace(/^<\?xml[^>]*>/, "");
    fc.assert(
      fc.property(hostile, (text) => {
        expect(files(text)).toEqual(harmless);
        expect(skeleton(feed(text))).toEqual(skeleton(feed("x")));
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
    expect(page).not.toMatch(
      /(?:src|href)="(?!#|status\.json|feed\.(?:xml|json)|badges\/|incidents\/|data:image\/svg\+xml,|")/,
    );
    expect(page).not.toMatch(/url\(|@import/);
  });

  it("shows the state of each monitor as text", () => {
    const states = [...page.matchAll(/<span class="state"><b>([a-z ]+)<\/b>/g)].map(([, state]) => state);
    expect(states).toEqual(["down", "no data", "no data", "maintenance", "up", "up", "up"]);
  });

  it("shows when it was generated, and when it is out of date", () => {
    expect(page).toContain(`data-stale-at="${Date.parse("2026-11-21T07:10:04Z")}"`); // 15 minutes after it was generated
    expect(page.replace(/<[^>]+>/g, "")).toContain(
      "As of 21 Nov 2026, 06:55 UTC. Checked every 5 minutes: after 07:10 UTC this page is out of date.",
    );
  });

  it("describes its charts as text", () => {
    expect(page).toContain("History of 90 days until 21 Nov 2026: up all day on 88, downtime on 2."); // website
    expect(page).toContain("History of 21 days until 21 Nov 2026: up all day on 19, downtime on 2."); // docs
    expect(page).toContain("History until 21 Nov 2026: no data yet."); // brand-new
    expect(page).toMatch(
      /aria-label="Latency of the last 24 hours: median \d+ ms to \d+ ms, 95th percentile \d+ ms to/,
    );
    expect(page).toContain("no data in 4 hours");
    expect(page).toContain('aria-label="Latency of the last 24 hours: no data"');
  });

  it("highlights certificates that expire soon and missing checks", () => {
    expect(page).toContain('<dd class="warn">5 days left</dd>');
    expect(page).toContain('<dd class="fine">61 days left</dd>');
    expect(page).toContain('<dd class="warn">only 20.00 %</dd>');
    for (const [certificateDaysLeft, text] of [
      [-2, "expired 2 days ago"],
      [0, "expires today"],
      [1, "1 day left"],
    ] as const)
      expect(statusPage(statusDocument([monitorStatus("site", { certificateDaysLeft })]))).toContain(
        `<dd class="warn">${text}</dd>`,
      );
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

  it("lists what is down and degraded first, within groups and between them", () => {
    const text = statusPage(companyDocument());
    const titles = [...text.matchAll(/<h[34]>([^<]+)<\/h[34]><span class="state"/g)].map(([, title]) => title);
    expect(titles.slice(0, 4)).toEqual(["Checkout API", "Recommendations", "Website", "Order search"]);
    const groups = [...text.matchAll(/<summary><h3>([^<]+)<\/h3> <span class="counts">([^<]+)</g)];
    expect(groups.map(([, name, counts]) => `${name ?? ""}: ${counts ?? ""}`)).toEqual([
      "Shop: 1 down, 1 degraded, 6 up",
      "Warehouse: 1 no data, 1 maintenance, 4 up",
      "Accounts: all 6 up",
      "Office and internal: all 10 up",
    ]);
  });

  it("has no headings for groups where no monitor is in one, and one for the rest where some are", () => {
    expect(page).not.toContain('class="group"');
    const some = statusPage(statusDocument([monitorStatus("a"), monitorStatus("b", { group: "Shop" })]));
    expect([...some.matchAll(/<summary><h3>([^<]+)/g)].map(([, name]) => name)).toEqual(["Shop", "Other"]);
  });

  it("is in the colours and under the name of its owner", () => {
    const brand = {
      title: "Lindwurm",
      link: "https://lindwurm.example/",
      accent: "#ffd400",
      logo: "data:image/png;base64,AAAA",
    };
    const text = statusPage(statusDocument([monitorStatus("a")], { title: brand.title }), brand);
    expect(text).toContain(
      '<a href="https://lindwurm.example/"><img src="data:image/png;base64,AAAA" alt="" height="28"> <b>Lindwurm</b></a>',
    );
    expect(text).toContain("<title>The monitor is up · Lindwurm</title>");
    expect(text).toContain("--accent:#ffd400");
  });

  it("marks simulated data and incidents", () => {
    const status: MonitorStatus = { ...monitorStatus("a"), sampleUntil: "2026-11-21T06:00:00Z" };
    const [first] = variedDocument().incidents;
    if (first === undefined) throw new Error("no incident");
    const text = statusPage(statusDocument([status], { incidents: [{ ...first, sample: true }, first] }));
    expect(text.replace(/<[^>]+>/g, "")).toContain(
      "The history before 21 Nov 2026, 06:00 UTC is sample data, to look at.",
    );
    expect(text.match(/<span class="sample">sample<\/span><\/h3>/g)).toHaveLength(1);
    expect(page).not.toContain('class="sample"');
  });

  it("is at most 60 KB gzipped with 100 targets over 90 days", () => {
    expect(gzipSync(statusPage(largeDocument(100))).length).toBeLessThanOrEqual(60 * 1024);
  });
});

describe("a job", () => {
  const job = (fields: Partial<MonitorStatus> = {}): MonitorStatus => ({
    ...monitorStatus("backup"),
    kind: "cron",
    lastCheck: null,
    lastHeartbeat: "2026-11-21T02:04:00Z",
    nextDue: "2026-11-22T02:30:00Z",
    lastRunMs: 1_240,
    ...fields,
  });
  const waiting = job({ state: "unknown", since: null, lastHeartbeat: null, nextDue: null, lastRunMs: null });
  const textOf = (...monitors: readonly MonitorStatus[]) => {
    const [, section = ""] = /<h2 id="monitors"([\s\S]*?)<\/section>/.exec(statusPage(statusDocument(monitors))) ?? [];
    return section.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
  };

  it("has its last report, the next one and how long it ran, and no latency", () => {
    const text = textOf(job());
    expect(text).toContain("Last report 21 Nov 2026, 02:04 UTC");
    expect(text).toContain("Next report due by 22 Nov 2026, 02:30 UTC");
    expect(text).toContain("Last run took 1.24 s");
    expect(text).not.toMatch(/latency|Last check/i);
    expect(textOf(monitorStatus("site"))).toMatch(/p50 latency/);
  });

  it("that is down has its last success, since its last report was of a failure", () => {
    expect(textOf(job({ state: "down" }))).toContain("Last success 21 Nov 2026, 02:04 UTC");
    expect(textOf({ ...waiting, state: "down" })).toContain("Last success None yet");
  });

  it("that awaits its first report is listed with those that are up", () => {
    const text = textOf(monitorStatus("site"), waiting, monitorStatus("shop", { state: "unknown" }));
    const at = ["shop", "site", "backup"].map((name) => text.indexOf(` ${name} `));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(text).toContain("backup awaiting its first report");
  });
});

describe("the page of an incident", () => {
  it("has an unknown state when its monitor was removed", () => {
    const document = companyDocument();
    const [, past] = document.incidents;
    if (past === undefined) throw new Error("no past incident");
    const banner = (incident: typeof past) =>
      /<section class="(banner \w+)"/.exec(incidentPage(incident, document))?.[1];
    expect(banner(past)).toBe("banner up");
    expect(banner({ ...past, closedBecause: "removed from the configuration" })).toBe("banner unknown");
  });
});

describe("the bars of a history", () => {
  const bars = (days: Parameters<typeof monitorStatus>[1]) => {
    const page = statusPage(statusDocument([monitorStatus("site", days)]));
    const [svg = ""] = /<svg class="bars"[^>]* data-last[\s\S]*?<\/svg>/.exec(page) ?? [];
    return svg;
  };
  const paths = (svg: string) =>
    [...svg.matchAll(/<path class="(\w+)" data-n="(\d+)" d="M(\d+) [\d.]+h(\d+)">/g)].map(
      ([, band = "", days, from, length]) => {
        expect(Number(length)).toBe(10 * Number(days));
        return { band, from: Number(from) / 10, days: Number(days) };
      },
    );
  const bandAt = (svg: string, ago: number) =>
    paths(svg).find(({ from, days }) => from <= 89 - ago && 89 - ago < from + days)?.band;

  it("are one path for all days that are alike", () => {
    expect(paths(bars({}))).toEqual([{ band: "up", from: 0, days: 90 }]);
    expect(paths(bars({ days: { 40: { down: 0.5 } } }))).toEqual([
      { band: "up", from: 0, days: 49 },
      { band: "down", from: 49, days: 1 },
      { band: "up", from: 50, days: 40 },
    ]);
  });

  it("have the colour of the worst of their day, if it was a minute", () => {
    expect(bandAt(bars({ days: { 7: { down: 1 / 1440, degraded: 0.4, maintenance: 0.3 } } }), 7)).toBe("down");
    expect(bandAt(bars({ days: { 7: { degraded: 1 / 1440, noData: 0.5 } } }), 7)).toBe("degraded");
    expect(bandAt(bars({ days: { 7: { maintenance: 0.1 } } }), 7)).toBe("maintenance");
  });

  it("show missing data as anything but up, where it is more than an hour", () => {
    expect(bandAt(bars({ days: { 7: { noData: 1 } } }), 7)).toBe("none");
    expect(bandAt(bars({ days: { 7: { noData: 0.06, maintenance: 0.9 } } }), 7)).toBe("none");
    expect(bandAt(bars({ days: { 7: { noData: 5 / 1440 } } }), 7)).toBe("up");
    expect(bandAt(bars({ knownDays: 5 }), 7)).toBe("before");
  });

  it("are one for each of 90 days, whatever the days were like", () => {
    const share = fc.double({ min: 0, max: 0.24, noNaN: true });
    const day = fc.record({ down: share, degraded: share, maintenance: share, noData: share });
    fc.assert(
      fc.property(fc.dictionary(fc.nat(89).map(String), day), fc.integer({ min: 1, max: 90 }), (days, knownDays) => {
        let next = 0;
        for (const { from, days: length } of paths(bars({ days, knownDays }))) {
          expect(from).toBe(next);
          next += length;
        }
        expect(next).toBe(90);
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
      'aria-label="site: up, 99.80 % uptime"',
    );
    expect(statusBadge(monitorStatus("site", { state: "down" }), GENERATED_AT).toString()).toContain(
      "<title>site: down, 100.00 % uptime in 30 days",
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
