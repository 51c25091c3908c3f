/** Tells people about an incident: writes an update, and publishes the status page. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  incidentUpdates,
  MAX_UPDATE_CHARACTERS,
  type IncidentUpdate,
} from "../../../functions/heartbeats/monitors/incident-updates";
import type { IncidentSummary } from "../../../functions/heartbeats/status-page/document";
import { findDeployed } from "../../environments/deployed";
import { NotDeployedError } from "../../environments/stack";
import { UsageError, type EnvironmentOptions } from "../../shared/terminal/command-line";
import { outputsOf } from "../../shared/feature-outputs";
import { nearest } from "../../../modules/constructs/nearest";
import { readStatusDocument } from "./status-document";
import { createS3Client } from "../../shared/aws/s3-client";

/** A monitor still reports the incident: the page would say both. */
export class IncidentOpenError extends Error {
  override readonly name = "IncidentOpenError";
}

/** The published incidents of 90 days, open ones first. @throws NotDeployedError */
export async function readIncidents(options: EnvironmentOptions): Promise<readonly IncidentSummary[]> {
  const deployed = await findDeployed(options);
  const { status_page_bucket_name: bucket } = outputsOf("heartbeats", deployed);
  const document = await readStatusDocument(createS3Client(deployed.aws), bucket);
  if (document === undefined) throw new NotDeployedError(`Nothing has been checked in ${deployed.name} yet.`);
  return document.incidents;
}

/**
 * @param id of a published incident
 * @throws UsageError for an unknown incident or an unusable text, {@link IncidentOpenError}
 */
export async function addUpdate(
  id: string,
  status: IncidentUpdate["status"],
  text: string,
  options: EnvironmentOptions,
): Promise<void> {
  const said = text.trim();
  if (said === "" || said.length > MAX_UPDATE_CHARACTERS)
    throw new UsageError(`The text has ${said.length} characters. It needs 1 to ${MAX_UPDATE_CHARACTERS}.`);
  const incidents = await readIncidents(options);
  const incident = incidents.find((each) => each.id === id);
  if (incident === undefined) throw new UsageError(unknownIncident(id, incidents));
  if (status === "resolved" && incident.closedAt === null)
    throw new IncidentOpenError(
      `${incident.monitor} is still ${incident.severity}: its monitor closes the incident. Until then: npx almanac incidents update`,
    );
  const deployed = await findDeployed(options);
  const { state_table_name: table, publish_function_name: publisher } = outputsOf("heartbeats", deployed);
  const at = Date.now();
  await incidentUpdates(new DynamoDBClient(deployed.aws), table).add({ incident: id, at, status, text: said });
  const event = { id: randomUUID(), "detail-type": "Scheduled Event", source: "almanac.incidents" };
  const Payload = JSON.stringify({ ...event, time: new Date(at).toISOString() });
  await new LambdaClient(deployed.aws).send(
    new InvokeCommand({ FunctionName: publisher, InvocationType: "Event", Payload }),
  );
}

function unknownIncident(id: string, incidents: readonly IncidentSummary[]): string {
  const ids = incidents.map((each) => each.id);
  const meant = nearest(id, ids);
  return `There is no incident "${id}".${meant === undefined ? "" : ` Did you mean ${meant}?`} List them: npx almanac incidents ls`;
}
