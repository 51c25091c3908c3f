import { DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";

import { incidentUpdates } from "../../../../functions/heartbeats/monitors/incident-updates";
import { systemClock } from "../../../../functions/shared/clock";
import { fakeStateTable } from "../../../support/fake-state-table";

it("what people say about incidents is read whole, page by page", async () => {
  const dynamodb = mockClient(DynamoDBClient);
  const update = (text: string) => ({ incident: "site.2026-11-21T06:55:00Z", at: 1, status: "update", text });
  const key = marshall({ monitor: "*updates", item: "1" });
  dynamodb.on(QueryCommand).resolves({ Items: [marshall(update("first"))], LastEvaluatedKey: key });
  dynamodb.on(QueryCommand, { ExclusiveStartKey: key }).resolves({ Items: [marshall(update("second"))] });
  const updates = await incidentUpdates(new DynamoDBClient({ region: "eu-central-1" }), "state").since(0);
  dynamodb.restore();
  expect(updates.map(({ text }) => text)).toEqual(["first", "second"]);
});

it("two updates of an incident at the same moment are both kept, and one that is written again is one", async () => {
  const { updates } = fakeStateTable(systemClock);
  const said = { incident: "site.2026-11-21T06:55:00Z", at: 1, status: "identified" } as const;
  const both = [
    { ...said, text: "A full disk." },
    { ...said, text: "The disk of the database is full." },
  ];
  for (const update of [...both, ...both]) await updates.add(update);
  const kept = await updates.since(0);
  expect(kept.map(({ text }) => text).sort()).toEqual(both.map(({ text }) => text));
});
