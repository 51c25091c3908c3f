/** Connects to the timers of an environment. */
import { TimersClient } from "../../../clients/timers";
import { findDeployed } from "../../environments/deployed";
import type { AwsSettings } from "../../shared/aws-settings";
import type { EnvironmentOptions } from "../../shared/command-line";
import { outputsOf } from "../../shared/feature-outputs";

export interface DeployedTimers {
  readonly environment: string;
  readonly client: TimersClient;
  readonly aws: AwsSettings;
  /** Undefined: the environment has a callback of its own, which records nothing. */
  readonly recordedFiresTable: string | undefined;
}

export async function findTimers(options: EnvironmentOptions): Promise<DeployedTimers> {
  const deployed = await findDeployed(options);
  const { api_url: url, recorded_fires_table_name: recordedFiresTable } = outputsOf("timers", deployed);
  const { region, credentials } = deployed.aws;
  const client = new TimersClient({ url, region, ...(credentials && { credentials }) });
  return { environment: deployed.name, client, aws: deployed.aws, recordedFiresTable };
}

/** The environment does not have what was asked for. */
export class TimerNotFoundError extends Error {
  override readonly name = "TimerNotFoundError";
}

/** `--once`: one-shot timers, which have ids of their own. */
export interface OnceOption {
  readonly once?: boolean;
}

export const kindOf = ({ once }: OnceOption) => (once === true ? "oneshot" : "periodic");
