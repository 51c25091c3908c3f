import { GetObjectCommand, NoSuchKey, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import pc from "picocolors";
import {
  lastCheckOf,
  type MonitorStatus,
  type StatusDocument,
} from "../../../../functions/heartbeats/status-page/document";
import { ago, describeStatus } from "../../../../scripts/features/heartbeats/describe-status";
import { readStatus, type StatusView, type TargetView } from "../../../../scripts/features/heartbeats/status-document";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const plain = pc.createColors(false);
const target = (fields: Partial<TargetView> = {}): TargetView => ({
  name: "site",
  state: "up",
  lastCheck: lastCheckOf({ health: "up", at: Date.parse("2026-11-21T11:59:18Z"), latencyMs: 41.6 }),
  uptime: null,
  ...fields,
});
const failedCheck = lastCheckOf({
  health: "down",
  at: Date.parse("2026-11-21T11:30:00Z"),
  latencyMs: 2_000,
  message: "no complete response within 2 s",
});
const view = (fields: Partial<StatusView>): StatusView => ({
  source: "s3://bucket/status.json",
  targets: [],
  incidents: [],
  ...fields,
});

describe("the status of an environment", () => {
  it("is a table of its targets, and a line that sums it up", () => {
    const targets = [target(), target({ name: "nobody-home", state: "down", lastCheck: failedCheck })];
    expect(describeStatus(view({ targets }), NOW, plain)).toBe(
      [
        "target       state  latency  last check  problem",
        "site         up       42 ms    42 s ago",
        "nobody-home  down   2000 ms  30 min ago  no complete response within 2 s",
        "",
        "1 up, 1 down (s3://bucket/status.json)",
      ].join("\n"),
    );
  });

  it("leaves out columns without values, and names open incidents", () => {
    const targets = [
      target({ uptime: 0.99999 }),
      target({ name: "new", state: "unknown", lastCheck: null, uptime: null }),
    ];
    const incidents = [
      { target: "site", severity: "down" as const, openedAt: "2026-11-21T10:05:00Z", message: "status 500" },
    ];
    expect(describeStatus(view({ targets, incidents }), NOW, plain)).toBe(
      [
        "target  state    latency  last check  up in 24 h",
        "site    up         42 ms  42 s ago       99.99 %",
        "new     unknown           never",
        "",
        "site is down since 2026-11-21 10:05 UTC: status 500",
        "",
        "1 up, 1 not checked recently (s3://bucket/status.json)",
      ].join("\n"),
    );
  });

  it("keeps its columns under colours", () => {
    const coloured = describeStatus(
      view({ targets: [target(), target({ state: "down" })] }),
      NOW,
      pc.createColors(true),
    );
    expect(coloured).toContain("\u001b[32mup\u001b[39m    ");
    expect(coloured).toContain("\u001b[31mdown\u001b[39m  ");
  });

  it("says so when there is none", () => {
    expect(describeStatus(view({}), NOW, plain)).toBe("No targets in s3://bucket/status.json.");
  });

  it.each([
    [-5_000, "0 s ago"],
    [119_000, "119 s ago"],
    [120_000, "2 min ago"],
    [7_199_000, "120 min ago"],
    [86_400_000, "24 h ago"],
  ])("tells how long ago %d ms are: %s", (milliseconds, text) => {
    expect(ago(milliseconds)).toBe(text);
  });
});

describe("where it is read", () => {
  const s3 = mockClient(S3Client);
  beforeEach(() => s3.reset());
  const read = (now = NOW) => readStatus(new S3Client(), "bucket", now);

  const window = { uptime: 0.5, coverage: 1, p50Ms: 1, p95Ms: 2, p99Ms: 3 };
  const status: MonitorStatus = {
    ...{ name: "site", kind: "target", state: "down", since: null, lastCheck: failedCheck, days: [], hours: [] },
    ...{ title: "Site", description: null, group: null, monitoredSince: null },
    windows: { "24h": window, "7d": { ...window, uptime: 1 }, "30d": window, "90d": window },
  };
  const incident = {
    id: "1",
    monitor: "site",
    openedAt: "2026-11-21T10:05:00Z",
    closedAt: null,
    severity: "down" as const,
    message: "status 500",
    timeline: [],
  };
  const document: StatusDocument = {
    ...{ version: 1, app: "almanac", environment: "test", generatedAt: "2026-11-21T12:00:00Z", intervalSeconds: 300 },
    ...{ title: "almanac test", maintenance: [] },
    monitors: [status],
    incidents: [incident, { ...incident, id: "0", closedAt: "2026-11-21T11:00:00Z" }],
  };
  const published = () =>
    s3.on(GetObjectCommand, { Bucket: "bucket", Key: "status.json" }).callsFake(() => ({
      Body: { transformToString: () => Promise.resolve(JSON.stringify(document)) },
    }));

  it("is status.json, of which it takes what is shown", async () => {
    published();
    expect(await read()).toEqual({
      source: "s3://bucket/status.json",
      targets: [{ name: "site", state: "down", lastCheck: failedCheck, uptime: 0.5 }],
      incidents: [{ target: "site", severity: "down", openedAt: "2026-11-21T10:05:00Z", message: "status 500" }],
    });
  });

  it("says nothing of the present when it was published too long ago, as the status page does", async () => {
    published();
    expect((await read(NOW + 3 * 300_000))?.targets).toMatchObject([{ state: "down" }]);
    expect((await read(NOW + 3 * 300_000 + 1))?.targets).toMatchObject([{ name: "site", state: "unknown" }]);
  });

  it("is undefined as long as there is no document", async () => {
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ message: "none", $metadata: {} }));
    expect(await read()).toBeUndefined();
  });

  it("fails when the document cannot be read", async () => {
    s3.on(GetObjectCommand).rejects(new Error("denied"));
    await expect(read()).rejects.toThrow("denied");
  });
});
