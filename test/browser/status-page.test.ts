import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe, { type AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { StatusDocument } from "../../functions/heartbeats/status-page/document";
import { statusFiles } from "../../functions/heartbeats/status-page/files";
import { MINUTE_MS } from "../../functions/shared/time";
import { launchChromium } from "../support/chromium";
import { GENERATED_AT, statusDocument, targetStatus, variedDocument } from "../support/status-documents";

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
/** Set it to keep pictures of what the tests saw, and look at them. */
const pictures = process.env["ALMANAC_SCREENSHOTS"];
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** The published files, opened `minutes` after they were made. */
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
  await page.clock.install({ time: Date.parse(GENERATED_AT) + minutes * MINUTE_MS });
  // Runs beside the page's policy, which would not have it.
  await page.addInitScript(axe.source);
  await page.goto(pathToFileURL(join(folder, "index.html")).href);
  return page;
}

async function picture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** Violations of WCAG 2.2 A and AA and of good practice, for people: rule, what is wrong, where. */
async function violations(page: Page): Promise<readonly string[]> {
  const results = await page.evaluate<AxeResults>("axe.run()");
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary = "" }) => `${id}: ${help}: ${target.join(" ")} ${failureSummary}`),
  );
}

const heading = (page: Page) => page.getByRole("heading", { level: 1 }).innerText();

describe.each(LOOKS)("the page on a %s", (name, look) => {
  let page: Page;
  beforeAll(async () => {
    page = await open(variedDocument(), look);
    await picture(page, name.replace(", ", "-"));
  });
  afterAll(() => page.context().close());

  it("never scrolls sideways", async () => {
    const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    expect(widths).toEqual([look.viewport.width, look.viewport.width]);
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(look.viewport.width);
  });

  it("has nothing that keeps people out", async () => {
    expect(await violations(page)).toEqual([]);
  });

  it("shows each day by a bar of its own, at even distances", async () => {
    const box = await page.locator(".bars[data-last]").first().boundingBox();
    expect((box?.width ?? NaN) % 90).toBe(0);
  });

  it("looks as it should in that light", async () => {
    const lightness = await page.evaluate(
      "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 765",
    );
    if (look.colorScheme === "dark") expect(lightness).toBeLessThan(0.2);
    else expect(lightness).toBeGreaterThan(0.9);
  });
});

describe("a screen reader", () => {
  it("hears landmarks, headings, states, and what the pictures show", async () => {
    const page = await open(
      statusDocument([
        targetStatus("website", { days: { 12: { down: 0.02 } } }),
        targetStatus("new", { state: "unknown", knownDays: 0 }),
      ]),
    );
    expect(await page.locator("body").ariaSnapshot()).toMatchSnapshot();
    await page.context().close();
  });
});

describe("the keyboard", () => {
  it("skips to the targets, opens details, and is seen where it is", async () => {
    const page = await open(variedDocument());
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to the targets");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("targets");
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Details of website");
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    expect(await page.getByRole("table").first().isVisible()).toBe(true);
    await page.context().close();
  });
});

describe("a page that is out of date", () => {
  const allUp = statusDocument([targetStatus("website"), targetStatus("api")]);

  it("is not so before three intervals have gone by", async () => {
    const page = await open(allUp, { minutes: 14.9 });
    expect(await heading(page)).toBe("All 2 targets are up");
    expect(await page.title()).toBe("All 2 targets are up · almanac staging");
    await page.context().close();
  });

  it("says so, and says of nothing that it is up", async () => {
    const page = await open(allUp, { minutes: 61 });
    await picture(page, "out-of-date");
    expect(await heading(page)).toBe("This page is out of date");
    expect(await page.title()).toBe("Out of date: All 2 targets are up · almanac staging");
    expect(await page.getByRole("status").innerText()).toContain("Nothing has been heard from the checks since");
    expect(await page.getByRole("status").innerText()).toContain("(61 min ago, by this device’s clock)");
    expect(await page.locator(".banner").innerText()).not.toMatch(/\bup\b/);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it("says so when that happens under the reader's eyes", async () => {
    const page = await open(allUp, { minutes: 14 });
    expect(await heading(page)).toBe("All 2 targets are up");
    await page.clock.runFor(2 * MINUTE_MS);
    expect(await heading(page)).toBe("This page is out of date");
    await page.context().close();
  });
});

describe("without JavaScript", () => {
  it("everything is there, and from when on nobody should believe it", async () => {
    const page = await open(variedDocument(), { ...PHONE, javaScriptEnabled: false });
    expect(await heading(page)).toBe("1 of 7 is down");
    expect(await page.locator(".banner").innerText()).toContain("after 07:10 UTC this page is out of date");
    expect(await page.getByRole("heading", { level: 3, name: "website" }).first().isVisible()).toBe(true);
    await page.getByText("Details of website").click();
    expect(await page.getByRole("region", { name: "Figures of website" }).isVisible()).toBe(true);
    await page.context().close();
  });
});

describe("the pointer", () => {
  it("is told of each day", async () => {
    const page = await open(variedDocument());
    const bars = page.locator(".bars[data-last]").first();
    const at = async (day: number) => {
      await bars.hover({ position: { x: (day + 0.5) * 6, y: 10 } });
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

describe("text from outside", () => {
  it("is shown as text, and nothing of it runs", async () => {
    const text = '"><img src=x onerror="document.title=1"><script>document.title=1</script>';
    const page = await open(statusDocument([targetStatus("site", { state: "down", message: text })]));
    expect(await page.getByText(text).isVisible()).toBe(true);
    expect(await page.title()).toBe("The target is down · almanac staging");
    await page.context().close();
  });
});
