/** Connects to the timers of an environment. */
import { InvalidRequestError, TimersClient } from "../../../clients/timers";
import { findDeployed } from "../../environments/deployed";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { exitCodeOf, UsageError, type EnvironmentOptions } from "../../shared/terminal/command-line";
import { inOptions } from "./fields";
import { outputsOf } from "../../shared/feature-outputs";

export interface DeployedTimers {
  readonly environment: string;
  readonly client: TimersClient;
  readonly aws: AwsSettings;
  /** Of the module. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export async function findTimers(options: EnvironmentOptions): Promise<DeployedTimers> {
  const deployed = await findDeployed(options);
  const outputs = outputsOf("timers", deployed);
  const { region, credentials } = deployed.aws;
  const client = new TimersClient({ url: outputs.api_url, region, ...(credentials && { credentials }) });
  return { environment: deployed.name, client, aws: deployed.aws, outputs };
}

/** The action of a command: what the API finds wrong with the request is wrong with the options. */
export function timersAction<Args extends unknown[]>(
  action: (...args: Args) => Promise<number>,
): (...args: Args) => Promise<void> {
  return exitCodeOf((...args: Args) =>
    action(...args).catch((error: unknown) => {
      throw error instanceof InvalidRequestError ? new UsageError(inOptions(error.message), { cause: error }) : error;
    }),
  );
}

/** The environment does not have what was asked for. */
export class TimerNotFoundError extends Error {
  override readonly name = "TimerNotFoundError";
}

export function notFound(environment: string, id: string, options: OnceOption): TimerNotFoundError {
  return new TimerNotFoundError(`${environment} has no ${kindOf(options)} timer "${id}".`);
}

/** `--once`: one-shot timers, which have ids of their own. */
export interface OnceOption {
  readonly once?: boolean;
}

export const kindOf = ({ once }: OnceOption) => (once === true ? "oneshot" : "periodic");

export interface IdOrPrefix extends OnceOption {
  readonly prefix?: string;
}

/** @throws {@link UsageError} */
export function idOrPrefixOf(
  id: string | undefined,
  { prefix }: IdOrPrefix,
): { readonly id: string; readonly prefix?: never } | { readonly id?: never; readonly prefix: string } {
  if (id !== undefined && prefix === undefined) return { id };
  if (id === undefined && prefix !== undefined) return { prefix };
  throw new UsageError("an id or --prefix: one of the two");
}
