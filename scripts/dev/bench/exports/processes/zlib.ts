/** A process that only compresses what an export of the pages writes, at its level. */
import { once } from "node:events";
import { createGzip } from "node:zlib";

import { GZIP_LEVEL } from "../../../../../functions/exports/format/file-writer";
import { convertScanPage } from "../../../../../functions/exports/format/scan-page";
import { measure } from "../measure";
import { pagesOf, responseOf } from "../pages";

measure(
  ({ itemSize }) =>
    pagesOf(itemSize).map((page) => {
      const response = responseOf(page);
      const target = Buffer.allocUnsafe(response.length);
      const { bytes } = convertScanPage(response, target, 0, { separator: "\n" });
      return { content: target.subarray(0, bytes), scanned: response.length, items: page.items };
    }),
  async (task, pages) => {
    const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 256 * 1_024 });
    gzip.resume();
    let scanned = 0;
    let exported = 0;
    for (let number = 0; number < task.pages; number++) {
      const page = pages[number % pages.length];
      if (page === undefined) break;
      scanned += page.scanned;
      exported += page.items;
      if (!gzip.write(page.content)) await once(gzip, "drain");
    }
    const ended = once(gzip, "end");
    gzip.end();
    await ended;
    return { exported, scanned };
  },
);
