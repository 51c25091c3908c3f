import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { createHash } from "node:crypto";

import { statusFiles, type StatusFile } from "../../../../functions/heartbeats/status-page/files";
import { statusPublisher } from "../../../../functions/heartbeats/status-page/publisher";
import { statusDocument, monitorStatus, variedDocument } from "../../../support/status-documents";

const document = statusDocument([monitorStatus("site"), monitorStatus("api")]);
const contentOf = (name: string) => statusFiles(document).find(({ key }) => key === name)?.content ?? "";
const badge = (name: string) => contentOf(`badges/${name}.svg`);
const entityTag = (content: string) => `"${createHash("md5").update(content).digest("hex")}"`;

describe("the files of a status page", () => {
  it("end with the page, when all it links to is there", () => {
    expect(statusFiles(document).map(({ key, contentType }) => `${key} ${contentType}`)).toEqual([
      "badges/site.svg image/svg+xml; charset=utf-8",
      "badges/api.svg image/svg+xml; charset=utf-8",
      "feed.xml application/rss+xml; charset=utf-8",
      "feed.json application/feed+json; charset=utf-8",
      "status.json application/json; charset=utf-8",
      "index.html text/html; charset=utf-8",
    ]);
  });

  it("stay in caches for half an interval, and for no shorter than is useful", () => {
    const [file] = statusFiles(document);
    expect(file?.cacheControl).toBe("public, max-age=150, stale-while-revalidate=300");
    const [often] = statusFiles({ ...document, intervalSeconds: 2 });
    expect(often?.cacheControl).toBe("public, max-age=5, stale-while-revalidate=2");
  });

  it("have a page for each incident that the page links to, which does not change while nothing happens", () => {
    const varied = variedDocument();
    const incidents = (files: readonly StatusFile[]) => files.filter(({ key }) => key.startsWith("incidents/"));
    const files = incidents(statusFiles(varied));
    expect(files.map(({ key }) => key)).toContain("incidents/checkout-api-2026-11-21T06-12-00Z.html");
    const page = statusFiles(varied).at(-1)?.content ?? "";
    const links = [...page.matchAll(/href="(incidents\/[^"]+)"/g)].map(([, link]) => link);
    expect(files.map(({ key }) => key).sort()).toEqual([...new Set(links)].sort());
    const later = incidents(statusFiles({ ...varied, generatedAt: "2026-11-21T06:59:04Z" }));
    expect(later).toEqual(files);
  });

  it("have pages of all incidents that the page links to, where there are more than it lists", () => {
    const [first] = variedDocument().incidents;
    if (first === undefined) throw new Error("no incident");
    const incidents = Array.from({ length: 60 }, (_, index) => {
      return { ...first, id: `site.${index}`, closedAt: "2026-11-09T10:34:00Z" };
    });
    const files = statusFiles({ ...document, incidents });
    const links = [...(files.at(-1)?.content ?? "").matchAll(/href="(incidents\/[^"]+)"/g)].map(([, link]) => link);
    expect(links).toHaveLength(50);
    expect(files.map(({ key }) => key)).toEqual(expect.arrayContaining(links));
  });

  it("have the document itself among them", () => {
    const json = statusFiles(document).find(({ key }) => key === "status.json")?.content;
    expect(JSON.parse(json ?? "")).toEqual(document);
  });
});

describe("the publisher", () => {
  const s3 = mockClient(S3Client);
  const publish = () => statusPublisher(new S3Client({ region: "eu-central-1" }), "page").publish(document, {});
  const put = () => s3.commandCalls(PutObjectCommand).map(({ args: [{ input }] }) => input.Key);

  beforeEach(() => {
    s3.reset();
    s3.on(ListObjectsV2Command, { Bucket: "page" }).resolves({});
    s3.on(PutObjectCommand).resolves({});
    s3.on(DeleteObjectCommand).resolves({});
  });

  it("puts badges, the document, and the page last", async () => {
    await publish();
    expect(put()).toEqual(["badges/site.svg", "badges/api.svg", "feed.xml", "feed.json", "status.json", "index.html"]);
    expect(s3.commandCalls(PutObjectCommand).at(-1)?.args[0].input).toMatchObject({
      Bucket: "page",
      ContentType: "text/html; charset=utf-8",
      CacheControl: "public, max-age=150, stale-while-revalidate=300",
      Body: expect.stringContaining("<!doctype html>") as unknown,
    });
  });

  it("waits for each before the next, so that a reader never sees a page whose parts are older", async () => {
    const done: string[] = [];
    s3.on(PutObjectCommand).callsFake(async ({ Key }: { Key: string }) => {
      await new Promise((resolve) => setTimeout(resolve, Key.startsWith("badges/") ? 20 : 5));
      done.push(Key);
    });
    await publish();
    expect(done.slice(-2)).toEqual(["status.json", "index.html"]);
  });

  it("writes changed badges, incidents and feeds only, and removes those of removed monitors and old incidents", async () => {
    s3.on(ListObjectsV2Command).resolves({
      Contents: [
        { Key: "badges/site.svg", ETag: entityTag(badge("site")) },
        { Key: "badges/api.svg", ETag: entityTag("as it was") },
        { Key: "badges/former.svg", ETag: entityTag("up, for ever") },
        { Key: "feed.xml", ETag: entityTag(contentOf("feed.xml")) },
        { Key: "feed.json", ETag: entityTag(contentOf("feed.json")) },
        { Key: "incidents/old.html", ETag: entityTag("long ago") },
        { Key: "robots.txt", ETag: entityTag("of somebody else") },
      ],
    });
    await publish();
    expect(put()).toEqual(["badges/api.svg", "status.json", "index.html"]);
    expect(s3.commandCalls(DeleteObjectCommand).map(({ args: [{ input }] }) => input.Key)).toEqual([
      "badges/former.svg",
      "incidents/old.html",
    ]);
  });

  it("reads every page of a long list of badges", async () => {
    s3.on(ListObjectsV2Command, { ContinuationToken: undefined }).resolves({
      Contents: [{ Key: "badges/site.svg", ETag: entityTag(badge("site")) }],
      IsTruncated: true,
      NextContinuationToken: "more",
    });
    s3.on(ListObjectsV2Command, { ContinuationToken: "more" }).resolves({
      Contents: [{ Key: "badges/api.svg", ETag: entityTag(badge("api")) }],
    });
    await publish();
    expect(put()).toEqual(["feed.xml", "feed.json", "status.json", "index.html"]);
  });

  it.each(["badges/site.svg", "feed.xml", "status.json"])(
    "puts the page though %s could not be put, and says so",
    async (key) => {
      s3.on(PutObjectCommand, { Key: key }).rejects(new Error("slow down"));
      await expect(publish()).rejects.toMatchObject({ name: "PublishError" });
      await expect(publish()).rejects.toThrow(`s3://page: ${key} not put`);
      expect(put().at(-1)).toBe("index.html");
    },
  );

  it("puts all badges when it can't know which have changed, and removes none", async () => {
    s3.on(ListObjectsV2Command).rejects(new Error("denied"));
    await expect(publish()).rejects.toThrow("files not listed");
    expect(put()).toHaveLength(6);
    expect(s3.commandCalls(DeleteObjectCommand)).toEqual([]);
  });
});
