/** Benchmark: size and first paint of the status page. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { statusPage } from "../../../../functions/heartbeats/status-page/markup/page";
import { ensureChromium, launchChromium } from "../../../../test/support/chromium";
import { largeDocument } from "../../../../test/support/status-documents";
import { figureAtMost, median, type Figure } from "../figure";

const TARGETS = 100;
const RUNS = 7;

/** The status page of 100 targets over 90 days: compressed size, and first contentful paint in Chromium. */
export async function benchPage(): Promise<readonly Figure[]> {
  const page = gzipSync(statusPage(largeDocument(TARGETS)));
  process.env["CHROMIUM_PATH"] = await ensureChromium();
  return [
    figureAtMost("page_kb", page.length / 1024, "KB", 60),
    figureAtMost("paint_s", median(await paints(page)), "s", 0.3),
  ];
}

/** First contentful paints in seconds, each in a new profile with an empty cache. */
async function paints(page: Buffer): Promise<readonly number[]> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip" }).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const browser = await launchChromium();
    try {
      const seconds: number[] = [];
      for (let run = 0; run < RUNS; run += 1) seconds.push(await firstPaint(browser, url));
      return seconds;
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}

/** @returns seconds */
async function firstPaint(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(url);
    const milliseconds = await page.evaluate<number>(`new Promise((resolve) => {
      new PerformanceObserver((list) => {
        for (const { name, startTime } of list.getEntries()) if (name === "first-contentful-paint") resolve(startTime);
      }).observe({ type: "paint", buffered: true });
    })`);
    return milliseconds / 1000;
  } finally {
    await context.close();
  }
}
