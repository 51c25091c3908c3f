/** A process that exports one segment with the real clients, as the deployed function does. */
import { exportClients } from "../../../../../functions/exports/scan/clients";
import { fileWriter } from "../../../../../functions/exports/format/file-writer";
import { ParquetSchema } from "../../../../../functions/exports/format/parquet-schema";
import { parquetWriter } from "../../../../../functions/exports/format/parquet-writer";
import { objectStore } from "../../../../../functions/exports/storage/object-store";
import { rateLimiter } from "../../../../../functions/exports/scan/rate-limiter";
import { exportSegment } from "../../../../../functions/exports/scan/segment";
import { tableScan } from "../../../../../functions/exports/scan/table-scan";
import { systemClock } from "../../../../../functions/shared/clock";
import { measure } from "../measure";
import { BUCKET, keyOf, TABLE } from "../messages";

measure(
  () => exportClients("000000000000"),
  async (task, { dynamodb, s3 }) => {
    const store = objectStore(s3, { bucket: BUCKET, kmsKeyArn: undefined, owner: "bench" });
    const { compressed, format = "ndjson" } = task;
    const schema = new ParquetSchema(undefined);
    let items = 0;
    const first = JSON.stringify({ id: { S: keyOf(task, 0) } });
    await exportSegment(
      { lastKey: first, nextPart: 0, done: false, read: { items: 0, bytes: 0 } },
      {
        format,
        writeEmptyFile: false,
        partBytes: 128 * 1_048_576,
        scan: tableScan(dynamodb, { TableName: TABLE }),
        assertSameTable: () => Promise.resolve(),
        rateLimiter: rateLimiter(undefined, systemClock),
        clock: systemClock,
        partKey: (part) => `part-${part}`,
        openFile: (key) =>
          format === "parquet"
            ? parquetWriter({ key, schema, compressed }, store)
            : fileWriter({ key, format, compressed }, store),
        saveCheckpoint: async (_, part) => {
          if (part !== undefined) await store.completeUpload(part.key, part.upload);
        },
        onPage: (page) => {
          items += page.items;
        },
      },
      Infinity,
    );
    return { exported: items };
  },
);
