import { fileKey, manifestKey, runFolder, successKey, type Names } from "../../../../functions/exports/run/object-keys";

const names: Names = {
  layout: "partitioned",
  format: "ndjson",
  compressed: true,
  prefix: "orders/",
  exportName: "orders",
  application: "",
  startedAt: Date.parse("2026-03-07T17:00:09.999Z"),
  day: "2026-03-07",
};

describe("names", () => {
  it("of parts are in a folder a day, by segment and part", () => {
    expect(fileKey(names, 3, 12)).toBe("orders/dt=2026-03-07/part-0003-00012.ndjson.gz");
    expect([manifestKey(names), successKey(names), runFolder(names)]).toEqual([
      "orders/dt=2026-03-07/_manifest.json",
      "orders/dt=2026-03-07/_SUCCESS",
      "orders/dt=2026-03-07/",
    ]);
  });

  it("of the simple document are to the letter, and nothing else is beside it", () => {
    const simple: Names = {
      ...names,
      layout: "flat",
      format: "json",
      compressed: false,
      prefix: "usermetrics/simple_user_logs",
    };
    expect(fileKey(simple, 0, 0)).toBe("usermetrics/simple_user_logs2026-03-07 17:00:09Z.json");
    expect(manifestKey(simple)).toBe("_exports/orders/2026-03-07/_manifest.json");
    expect(runFolder(simple)).toBeUndefined();
  });

  it("of an application's document are to the letter: year, month and day as numbers", () => {
    const advanced: Names = {
      ...names,
      layout: "flat",
      format: "json",
      compressed: false,
      application: "shop",
      prefix: "usermetrics/application={application}/year={year}/month={month}/day={day}/{application}_userlogs_",
    };
    expect(fileKey(advanced, 0, 0)).toBe(
      "usermetrics/application=shop/year=2026/month=3/day=7/shop_userlogs_2026-03-07 17:00:09Z.json",
    );
    expect(successKey(advanced)).toBe("_exports/orders/shop/2026-03-07/_SUCCESS");
  });
});
