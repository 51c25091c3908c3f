/** A process that only parses the pages with `JSON.parse`: bytes to objects. */
import { measure } from "../measure";
import { pagesOf, responseOf } from "../pages";

measure(
  ({ itemSize }) => pagesOf(itemSize).map(responseOf),
  (task, pages) => {
    let scanned = 0;
    let parsed = 0;
    for (let number = 0; number < task.pages; number++) {
      const page = pages[number % pages.length] ?? Buffer.alloc(0);
      scanned += page.length;
      if (JSON.parse(page.toString()) !== null) parsed += 1;
    }
    return Promise.resolve({ exported: parsed, scanned });
  },
);
