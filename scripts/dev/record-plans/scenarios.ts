/** The plans that are recorded, as changes of an environment's configuration. */
import type { EnvironmentInput } from "../../../modules/environment";

export interface Scenario {
  /** What is deployed. @default nothing */
  readonly before?: EnvironmentInput;
  /** Attributes of what is deployed that differ, by address: as another release has left them. */
  readonly older?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly after: EnvironmentInput;
}

const site = {
  region: "eu-central-1",
  heartbeats: { targets: [{ name: "site", url: "https://example.org/" }] },
} satisfies EnvironmentInput;

/** Its ARN stays: policies of the deployed environment name it. */
const bucket = (name: string) => ({ bucket: name, id: name });

/** By the name of the file. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "first-deployment": { after: site },
  // The first cron monitor, with a release that has other names for buckets.
  "first-job": {
    before: site,
    older: {
      "module.heartbeats.aws_s3_bucket.configuration": bucket("almanac-demo-heartbeats-watch"),
      "module.heartbeats.aws_s3_bucket.status_page_files": bucket("almanac-demo-heartbeats-page"),
    },
    after: { ...site, heartbeats: { ...site.heartbeats, cronMonitors: [{ name: "backup", everySeconds: 86_400 }] } },
  },
  // A release with another key for the table of checks.
  "replaced-table": {
    before: site,
    older: { "module.heartbeats.aws_dynamodb_table.telemetry": { hash_key: "target" } },
    after: site,
  },
};
