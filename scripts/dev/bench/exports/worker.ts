/** A process of its own: one segment of an export, with the real clients, as the deployed worker does it. */
import { exportClients } from "../../../../functions/exports/scan/clients";
import { fileWriter } from "../../../../functions/exports/format/file-writer";
import { objectStore } from "../../../../functions/exports/format/object-store";
import { paceOf } from "../../../../functions/exports/scan/rate-limiter";
import { exportSegment, PART_BYTES } from "../../../../functions/exports/scan/segment";
import { tableScan } from "../../../../functions/exports/scan/table-scan";
import { systemClock } from "../../../../functions/shared/clock";
import { measure } from "./measure";
import { BUCKET, keyOf, TABLE } from "./messages";

measure(async (task) => {
  const { dynamodb, s3 } = exportClients();
  const store = objectStore(s3, { bucket: BUCKET, kmsKeyArn: undefined });
  let items = 0;
  const first = JSON.stringify({ id: { S: keyOf(task, 0) } });
  await exportSegment(
    { lastKey: first, nextPart: 0, done: false, read: { items: 0, bytes: 0 } },
    {
      format: "ndjson",
      writesEmpty: false,
      partBytes: PART_BYTES,
      scan: tableScan(dynamodb, { TableName: TABLE }),
      pace: paceOf(undefined, systemClock),
      clock: systemClock,
      keyOf: (part) => `part-${part}`,
      open: (key) => fileWriter({ key, format: "ndjson", compressed: task.compressed }, store),
      save: () => Promise.resolve(),
      complete: ({ key, upload }) => store.complete(key, upload),
      onPage: (page) => {
        items += page.items;
      },
    },
    Infinity,
  );
  return items;
});
