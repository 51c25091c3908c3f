import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { StatusDocument } from "../../functions/heartbeats/status-page/document";
import { statusFiles } from "../../functions/heartbeats/status-page/files";
import { MINUTE_MS } from "../../functions/shared/time";
import { violations } from "../support/accessibility";
import { launchChromium } from "../support/chromium";
import {
  companyDocument,
  GENERATED_AT,
  statusDocument,
  monitorStatus,
  variedDocument,
} from "../support/status-documents";

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;
const DESKTOP = { viewport: { width: 1280, height: 900 } } as const;
const LOOKS = (["light", "dark"] as const).flatMap(
  (colorScheme) =>
    [
      [`phone, ${colorScheme}`, { ...PHONE, colorScheme }],
      [`desktop, ${colorScheme}`, { ...DESKTOP, colorScheme }],
    ] as const,
);

const folder = mkdtempSync(join(tmpdir(), "almanac-page-"));
/** Set it to save screenshots. */
const screenshots = process.env["ALMANAC_SCREENSHOTS"];
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** The published files, opened `minutes` after their generation. */
async function open(
  document: StatusDocument,
  { minutes = 2, ...options }: BrowserContextOptions & { readonly minutes?: number } = {},
): Promise<Page> {
  for (const { key, content } of statusFiles(document)) {
    mkdirSync(join(folder, key, ".."), { recursive: true });
    writeFileSync(join(folder, key), content);
  }
  const context = await browser.newContext({ ...DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  await page.clock.setFixedTime(timeAfter(minutes));
  await page.goto(pathToFileURL(join(folder, "index.html")).href);
  return page;
}

const timeAfter = (minutes: number) => Date.parse(GENERATED_AT) + minutes * MINUTE_MS;

async function screenshot(page: Page, name: string): Promise<void> {
  if (screenshots !== undefined) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

const heading = (page: Page) => page.getByRole("heading", { level: 1 }).innerText();

describe.each(LOOKS)("the page on a %s", (name, look) => {
  let page: Page;
  beforeAll(async () => {
    page = await open(companyDocument(), look);
    await screenshot(page, name.replace(", ", "-"));
  });
  afterAll(() => page.context().close());

  it("never scrolls sideways", async () => {
    const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    expect(widths).toEqual([look.viewport.width, look.viewport.width]);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(look.viewport.width);
  });

  it("has no accessibility violations, opened and closed", async () => {
    expect(await violations(page)).toEqual([]);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = false");
    expect(await violations(page)).toEqual([]);
    await page.evaluate("for (const each of document.querySelectorAll('.group')) each.open = true");
  });

  it("shows thirty monitors within 2,400 pixels, or 3,800 on a phone", async () => {
    const height = await page.evaluate<number>("document.documentElement.scrollHeight");
    expect(height).toBeLessThanOrEqual(look.viewport.width === 390 ? 3_800 : 2_400);
  });

  it("shows a bar for each day, at even distances", async () => {
    const box = await page.locator(".bars[data-last]").first().boundingBox();
    expect((box?.width ?? NaN) % 90).toBe(0);
  });

  it("follows the color scheme", async () => {
    const lightness = await page.evaluate(
      "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 765",
    );
    if (look.colorScheme === "dark") expect(lightness).toBeLessThan(0.2);
    else expect(lightness).toBeGreaterThan(0.9);
  });
});

describe.each(LOOKS)("the page of an incident on a %s", (name, look) => {
  it("has no accessibility violations, never scrolls sideways, and leads back to the monitor", async () => {
    const page = await open(companyDocument(), look);
    await page.getByRole("link", { name: "no complete response within 10 s" }).click();
    await page.getByRole("heading", { level: 1, name: "Website" }).waitFor();
    await screenshot(page, `incident-${name.replace(", ", "-")}`);
    expect(await heading(page)).toBe("Website: no complete response within 10 s");
    expect(await page.locator(".entry h3").allInnerTexts()).toEqual(["Over", "Identified", "Began"]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(look.viewport.width);
    expect(await violations(page)).toEqual([]);
    await page.getByRole("link", { name: "Website now" }).click();
    await page.getByRole("region", { name: "Figures of Website" }).waitFor();
    await page.context().close();
  });
});

describe("a screen reader", () => {
  it("reads landmarks, headings, states, and the charts as text", async () => {
    const page = await open(
      statusDocument([
        monitorStatus("website", { days: { 12: { down: 0.02 } } }),
        monitorStatus("new", { state: "unknown", knownDays: 0 }),
      ]),
    );
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await page.locator("body").ariaSnapshot()).toMatchSnapshot();
    await page.context().close();
  });
});

describe("the keyboard", () => {
  it("skips to the monitors, opens details, and has a visible focus", async () => {
    const page = await open(variedDocument());
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the monitors");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("monitors");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.querySelector('h3').textContent")).toBe("checkout-api");
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    expect(await page.getByRole("table").first().isVisible()).toBe(true);
    await page.context().close();
  });
});

describe("a page that is out of date", () => {
  const allUp = statusDocument([monitorStatus("website"), monitorStatus("api")]);

  it("is not out of date before three intervals have passed", async () => {
    const page = await open(allUp, { minutes: 14.9 });
    expect(await heading(page)).toBe("All 2 monitors are up");
    expect(await page.title()).toBe("All 2 monitors are up · almanac staging");
    await page.context().close();
  });

  it("says so, and shows nothing as up", async () => {
    const page = await open(allUp, { minutes: 61 });
    await screenshot(page, "out-of-date");
    expect(await heading(page)).toBe("This page is out of date");
    expect(await page.title()).toBe("Out of date: All 2 monitors are up · almanac staging");
    expect(await page.getByRole("status").innerText()).toContain("No check results since");
    expect(await page.getByRole("status").innerText()).toContain("(61 min ago, by this device’s clock)");
    expect(await page.locator(".banner").innerText()).not.toMatch(/\bup\b/);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it("says so while it is open", async () => {
    const page = await open(allUp, { minutes: 14 });
    expect(await heading(page)).toBe("All 2 monitors are up");
    await page.clock.setFixedTime(timeAfter(16));
    await page.clock.runFor(2 * MINUTE_MS);
    // It has reloaded itself first.
    await page.locator("html.stale").waitFor({ state: "attached" });
    expect(await heading(page)).toBe("This page is out of date");
    await page.context().close();
  });
});

describe("without JavaScript", () => {
  it("has all content, and the time from which it is out of date", async () => {
    const page = await open(variedDocument(), { ...PHONE, javaScriptEnabled: false });
    expect(await heading(page)).toBe("1 of 7 is down");
    expect(await page.locator(".banner").innerText()).toContain("after 07:10 UTC this page is out of date");
    const row = page.locator("summary", { has: page.getByRole("heading", { level: 3, name: "website" }) });
    expect(await row.isVisible()).toBe(true);
    expect(await page.locator(".filter").isVisible()).toBe(false);
    await row.click();
    expect(await page.getByRole("region", { name: "Figures of website" }).isVisible()).toBe(true);
    await page.context().close();
  });
});

describe("a link to a monitor", () => {
  it("opens it, in its group, also where the group is folded", async () => {
    const page = await open(companyDocument());
    await page.evaluate("for (const each of document.querySelectorAll('.group')) each.open = false");
    await page.evaluate("location.hash = '#monitor-website'");
    expect(await page.getByRole("region", { name: "Figures of Website" }).isVisible()).toBe(true);
    await page.context().close();
  });
});

describe("the filter", () => {
  const shown = (page: Page) => page.locator(".monitor:visible").count();

  it("finds monitors by name, description and group, and those that are not up", async () => {
    const page = await open(companyDocument());
    const filter = page.getByRole("searchbox", { name: "Filter monitors" });
    expect(await shown(page)).toBe(30);
    await filter.fill("payments");
    expect(await shown(page)).toBe(1);
    expect(await page.locator(".group:visible").count()).toBe(1);
    await filter.fill("shop web");
    expect(await page.locator(".monitor:visible summary h4").allInnerTexts()).toEqual(["Website"]);
    await filter.fill("");
    await page.getByRole("checkbox", { name: "not up" }).check();
    expect(await shown(page)).toBe(4);
    expect(await page.locator("#matches").textContent()).toBe("4 of 30 shown");
    await page.context().close();
  });
});

describe("the first day", () => {
  it("does not look empty", async () => {
    const page = await open(
      statusDocument([
        monitorStatus("website", { knownDays: 1 }),
        monitorStatus("api", { knownDays: 1 }),
        monitorStatus("new", { state: "unknown", knownDays: 0 }),
      ]),
    );
    await screenshot(page, "first-day");
    const colour = (band: string) =>
      page.evaluate<string>(`getComputedStyle(document.querySelector(".bars .${band}")).stroke`);
    expect(await page.getByText("Monitoring began on 21 Nov 2026").isVisible()).toBe(true);
    expect(await colour("before")).not.toBe(await colour("up"));
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});

describe("the pointer", () => {
  it("shows a tooltip for each day", async () => {
    const page = await open(variedDocument());
    const bars = page.locator(".monitor", { has: page.getByText("website") }).locator(".bars[data-last]");
    const at = async (day: number) => {
      await bars.hover({ position: { x: (day + 0.5) * 5, y: 10 } });
      return page.locator("#tip").innerText();
    };
    expect(await at(0)).toBe("24 Aug 2026: up all day");
    expect(await at(89 - 12)).toBe("9 Nov 2026: down 29 min");
    expect(await at(89)).toBe("21 Nov 2026: up all day");
    await page.mouse.move(5, 5);
    expect(await page.locator("#tip").count()).toBe(0);
    await page.context().close();
  });
});

describe("untrusted text", () => {
  it("is shown as text and never runs", async () => {
    const text = '"><img src=x onerror="document.title=1"><script>document.title=1</script>';
    const { lastCheck, ...status } = monitorStatus("site", { state: "down" });
    const page = await open(statusDocument([{ ...status, lastCheck: lastCheck && { ...lastCheck, message: text } }]));
    await page.getByRole("heading", { name: "site" }).click();
    expect(await page.getByText(text).isVisible()).toBe(true);
    expect(await page.title()).toBe("The monitor is down · almanac staging");
    await page.context().close();
  });
});
