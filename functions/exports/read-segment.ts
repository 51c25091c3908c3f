/** The handler that reads one segment of a table, and writes its parts. */
import { randomUUID } from "node:crypto";

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

import { createDynamoDB } from "../shared/aws/clients/dynamodb";
import { createSts } from "../shared/aws/clients/sts";
import { invocationHandler } from "../shared/handlers/invocation-handler";
import {
  readSegmentEnvironment,
  readSegmentInputSchema,
  type ReadSegmentEnvironment,
  type ReadSegmentInput,
} from "./contract";
import { returnPermanentFailures } from "./run/permanent-failures";
import { exportSegment, type PageTotals } from "./scan/segment";
import { segmentPorts, sourceAndTarget, type SourceAndTarget } from "./scan/segment-ports";
import type { StepServices } from "./run/step-services";
import { stateTable } from "./storage/state-table";

/** Reserved for uploading and saving what was read, before Lambda's timeout. */
const CLOSING_MS = 45_000;

/**
 * Exports a segment from its last checkpoint, until it is done or time is up. If two invocations work on one segment, only the
 * checkpoints of the later one are accepted.
 */
export const handler = invocationHandler(readSegmentEnvironment, { input: readSegmentInputSchema }, (services) => {
  const sts = createSts();
  return readStep(services, createDynamoDB(), ({ run, segment }) =>
    sourceAndTarget(run, segment, services.account, sts),
  );
});

/** The handler's work. */
export function readStep(
  { environment, clock, logger, metrics }: StepServices<Pick<ReadSegmentEnvironment, "STATE_TABLE">>,
  stateDynamodb: DynamoDBClient,
  connect: (input: ReadSegmentInput) => Promise<SourceAndTarget>,
) {
  const state = stateTable(stateDynamodb, environment.STATE_TABLE, clock);

  return returnPermanentFailures(logger, async ({ run, segment }: ReadSegmentInput, { deadline }) => {
    await state.assertActive(run);
    const claim = { run, segment, worker: randomUUID() };
    const checkpoint = await state.claimSegment(claim);
    if (checkpoint.done) return { done: true };

    let totals: PageTotals = { items: 0, bytes: 0, units: 0 };
    const onPage = ({ items, bytes, units }: PageTotals) => {
      totals = { items: totals.items + items, bytes: totals.bytes + bytes, units: totals.units + units };
    };
    const connected = await connect({ run, segment });
    const { store } = connected;
    const ports = segmentPorts(claim, { ...connected, state, clock, onPage });
    // A worker that was killed has left them.
    for (const { key, id } of await store.listUploads(ports.partKey(checkpoint.nextPart)))
      await store.abortUpload(key, id);
    try {
      const done = await exportSegment(checkpoint, ports, clock.elapsed() + (deadline - CLOSING_MS - clock.now()));
      return { done };
    } finally {
      metrics.count("exportedItems", totals.items);
      metrics.count("readBytes", totals.bytes);
      metrics.count("readUnits", totals.units);
    }
  });
}
