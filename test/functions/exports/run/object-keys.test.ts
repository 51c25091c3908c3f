import {
  fileKey,
  isExportedFile,
  manifestKey,
  reservedKey,
  runFolder,
  successKey,
  type KeySource,
} from "../../../../functions/exports/run/object-keys";

const flatDocument = { layout: "flat", format: "json", compression: "none" } as const;

function keySource(config: Partial<KeySource["config"]> = {}): KeySource {
  return {
    config: { name: "orders", layout: "partitioned", format: "ndjson", compression: "gzip", ...config },
    deployment: "123456789012/eu-central-1/shop-live-exports-run",
    exportId: "orders",
    id: "2026-03-07T17:00:09.999Z",
    application: "",
    keyTime: Date.parse("2026-03-07T17:00:09.999Z"),
    day: "2026-03-07",
  };
}

describe("object keys", () => {
  it("of parts are in a folder a day, by segment, part and run", () => {
    const parts = keySource();
    expect(fileKey(parts, 3, 12)).toBe("orders/dt=2026-03-07/part-0003-00012-20260307T170009999Z-dccf1dc2.ndjson.gz");
    expect([manifestKey(parts), successKey(parts), runFolder(parts)]).toEqual([
      "orders/dt=2026-03-07/_manifest.json",
      "orders/dt=2026-03-07/_SUCCESS",
      "orders/dt=2026-03-07/",
    ]);
  });

  it("of Parquet files end in .parquet, because they are compressed inside", () => {
    const parts = keySource({ format: "parquet" });
    const key = "orders/dt=2026-03-07/part-0000-00001-20260307T170009999Z-dccf1dc2.parquet";
    expect(fileKey(parts, 0, 1)).toBe(key);
    expect(isExportedFile("orders/dt=2026-03-07/", key)).toBe(true);
    expect(fileKey(keySource({ format: "parquet", layout: "flat" }), 0, 1)).toBe(
      "orders/2026-03-07 17:00:09Z-0000-00001.parquet",
    );
  });

  it("of the simple document are to the letter, and nothing else is beside it", () => {
    const simple = keySource({ prefix: "usermetrics/simple_user_logs", ...flatDocument });
    expect(fileKey(simple, 0, 0)).toBe("usermetrics/simple_user_logs2026-03-07 17:00:09Z.json");
    expect(manifestKey(simple)).toBe(
      "_exports/123456789012/eu-central-1/shop-live-exports-run/orders/2026-03-07/_manifest.json",
    );
    expect(runFolder(simple)).toBeUndefined();
  });

  it("of an application's document are to the letter: year, month and day as numbers", () => {
    const prefix = "usermetrics/application={application}/year={year}/month={month}/day={day}/{application}_userlogs_";
    const advanced = {
      ...keySource({ prefix, ...flatDocument }),
      application: "shop",
      exportId: "orders/shop/123456789012/eu-central-1/shop-logs",
    };
    expect(fileKey(advanced, 0, 0)).toBe(
      "usermetrics/application=shop/year=2026/month=3/day=7/shop_userlogs_2026-03-07 17:00:09Z.json",
    );
    expect(successKey(advanced)).toBe(`_exports/${advanced.deployment}/${advanced.exportId}/2026-03-07/_SUCCESS`);
    expect(reservedKey(advanced)).toBe(fileKey(advanced, 0, 0).replace(".json", ""));
  });
});
