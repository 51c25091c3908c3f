import { BatchGetItemCommand, DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import * as z from "zod";

import { handler } from "../../../functions/heartbeats/publish";
import { lambdaContext, scheduledEvent, setupHandler } from "../../support/lambda";

describe("the publisher", () => {
  const s3 = mockClient(S3Client);
  const dynamodb = mockClient(DynamoDBClient);

  setupHandler("heartbeats", {
    STATE_TABLE: "state",
    CONFIGURATION_BUCKET: "configuration",
    STATUS_PAGE_BUCKET: "page",
    INTERVAL_MINUTES: "5",
    STATUS_PAGE_URL: "https://status.example.org/",
  });
  beforeEach(() => {
    const objects = {
      "targets.json": '[{"name":"site","url":"https://a.test/"}]',
      "monitors.json": '{"brand":{"title":"Lindwurm","link":"https://lindwurm.example/"}}',
    };
    for (const [Key, content] of Object.entries(objects)) {
      s3.on(GetObjectCommand, { Bucket: "configuration", Key }).callsFake(() => ({
        Body: { transformToString: () => Promise.resolve(content) },
      }));
    }
    s3.on(ListObjectsV2Command).resolves({});
    s3.on(PutObjectCommand).resolves({});
    dynamodb.on(BatchGetItemCommand).resolves({});
    dynamodb.on(QueryCommand).resolves({});
  });

  it("writes the badges, then status.json, then the page", async () => {
    await handler(scheduledEvent(), lambdaContext());
    const published = s3.commandCalls(PutObjectCommand).map(({ args }) => args[0].input);
    expect(published.map(({ Bucket, Key }) => `${Bucket ?? ""}/${Key ?? ""}`)).toEqual([
      "page/badges/site.svg",
      "page/feed.xml",
      "page/feed.json",
      "page/status.json",
      "page/index.html",
    ]);
    expect(JSON.parse(z.string().parse(published[3]?.Body))).toMatchObject({
      app: "almanac",
      environment: "test",
      intervalSeconds: 300,
      title: "Lindwurm",
      monitors: [{ name: "site", state: "unknown" }],
    });
    expect(published[2]?.Body).toContain('"home_page_url":"https://status.example.org/"');
    expect(published[4]?.Body).toContain('<a href="https://lindwurm.example/"><b>Lindwurm</b></a>');
  });
});
