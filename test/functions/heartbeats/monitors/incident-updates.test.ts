import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { incidentUpdates } from "../../../../functions/heartbeats/monitors/incident-updates";

it("what people say about incidents is read whole, page by page", async () => {
  const dynamodb = mockClient(DynamoDBClient);
  const update = (text: string) => ({ incident: "site.2026-11-21T06:55:00Z", at: 1, status: "update", text });
  const key = marshall({ monitor: "*updates", item: "1" });
  dynamodb.on(QueryCommand).resolves({ Items: [marshall(update("first"))], LastEvaluatedKey: key });
  dynamodb.on(QueryCommand, { ExclusiveStartKey: key }).resolves({ Items: [marshall(update("second"))] });
  const updates = await incidentUpdates(new DynamoDBClient({ region: "eu-central-1" }), "state").since(0);
  expect(updates.map(({ text }) => text)).toEqual(["first", "second"]);
});
