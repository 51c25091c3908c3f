/** Starts the local environment and deploys to it; or deploys to the one that runs already. */
import { z } from "zod";
import { localSettings } from "../emulator/local-settings";
import { findEmulator, type Emulator } from "../emulator/find";
import { isHealthy } from "../emulator/health";
import { findLambdaNode, type LambdaNode } from "../emulator/lambda-node";
import { logTail, startEmulator, type StartedEmulator } from "../emulator/run";
import { describeError } from "../shared/errors";
import { featuresSchema, type Features } from "../shared/feature-outputs";
import { withLock } from "../shared/lock-file";
import { ensureStateBucket } from "../terraform/state-bucket";
import { endProcessGroup, isRunning } from "../shared/processes";
import { synthesizeStack } from "../terraform/synthesize";
import {
  terraformApply,
  terraformInit,
  terraformOutputs,
  terraformVersion,
  withoutAwsSettings,
  type TerraformOptions,
} from "../terraform/terraform";
import { describeApplied } from "../terraform/events";
import type { Home } from "../shared/home";
import { choosePort, DEFAULT_PORT } from "./port";
import { readRunning, writeRecord, type RunRecord } from "../emulator/run-record";
import { putSampleData } from "./sample-data";
import { putWebhooks, startPages } from "./pages/run";
import { runSteps, type Step } from "../shared/steps";
import { stopLocal } from "./stop";

/** As far as it is about Slack. */
const slackOutputsSchema = z.looseObject({ slack_parameters: z.array(z.string()).default([]) });
const statusPageOutputsSchema = z.looseObject({ status_page_bucket_name: z.string().optional() });

const PAGES_GRACE_MS = 2_000;

export interface StartOptions {
  readonly home: Home;
  /** The CDKTF app. */
  readonly app: string;
  /** The port asked for. @default the first free one */
  readonly port?: number;
  /** True: the emulator outlives this process. */
  readonly detach: boolean;
  /** True: what functions and state machines ask of AWS is written down. Only of an emulator that is started now. */
  readonly recordCalls: boolean;
  /** An AWS emulator that somebody else runs: nothing is started then. */
  readonly endpoint?: string;
  readonly signal: AbortSignal;
}

export interface Started {
  readonly endpoint: string;
  readonly features: Features;
  /** Whose emulator it is: started now, found running, or somebody else's. */
  readonly emulator: "started" | "found" | "foreign";
  readonly record?: RunRecord;
  /** Settles when the emulator that was started now has ended. */
  readonly ended?: Promise<number | null>;
}

/** The emulator runs, but not as asked for. The message says what to do. */
export class EmulatorConflictError extends Error {
  override readonly name = "EmulatorConflictError";
}

/** Nothing answers where an emulator should. The message says what to do. */
export class EmulatorUnreachableError extends Error {
  override readonly name = "EmulatorUnreachableError";
}

/** A step failed after the emulator had started. The message adds what the emulator wrote last. */
export class DeploymentFailedError extends Error {
  override readonly name = "DeploymentFailedError";
}

/** Starts what is not running, and deploys. When that fails, what was started is stopped again. */
export async function startLocal(options: StartOptions): Promise<Started> {
  const { home, signal } = options;
  const onWait = (pid: number) => {
    console.log(`Another npm start (process ${pid}) is at work in ${home.folder}: waiting for it.`);
  };
  return withLock(home.lock, { onWait, signal }, () => new Start(options).run());
}

/** One run of the steps, and what they hand to each other. */
class Start {
  #emulator: Emulator | undefined;
  #node: LambdaNode | undefined;
  #started: StartedEmulator | undefined;
  #record: RunRecord | undefined;
  #endpoint: string | undefined;
  #features: Features = {};
  /** True from when the emulator has work to do, so that its log may tell what went wrong. */
  #deploying = false;

  constructor(private readonly options: StartOptions) {}

  async run(): Promise<Started> {
    try {
      await runSteps([this.#checkTools(), ...(await this.#emulatorSteps()), ...this.#deploymentSteps()]);
    } catch (error) {
      throw await this.#cleanUp(error);
    }
    const endpoint = this.#knownEndpoint();
    const features = this.#features;
    if (this.options.endpoint !== undefined) return { endpoint, features, emulator: "foreign" };
    const record = this.#record === undefined ? {} : { record: this.#record };
    const started = this.#started;
    if (started === undefined) return { endpoint, features, emulator: "found", ...record };
    if (this.options.detach) started.release();
    return { endpoint, features, emulator: "started", ended: started.ended, ...record };
  }

  #checkTools(): Step {
    return {
      title: "Tools",
      run: async () => `Node ${process.versions.node}, Terraform ${await terraformVersion()}`,
    };
  }

  async #emulatorSteps(): Promise<readonly Step[]> {
    const { endpoint, home, port } = this.options;
    if (endpoint !== undefined) {
      this.#endpoint = endpoint;
      return [{ title: "Emulator", run: () => this.#useForeign(endpoint) }];
    }
    const running = await readRunning(home);
    if (running === undefined) return [this.#findEmulator(), this.#startEmulator()];

    if (port !== undefined && port !== running.port) {
      throw new EmulatorConflictError(
        `It runs on port ${running.port} already, not ${port}. Leave --port out to deploy there, or stop it first: npm run stop`,
      );
    }
    this.#record = running;
    this.#endpoint = running.endpoint;
    return [{ title: "Emulator", run: () => this.#useRunning(running) }];
  }

  #findEmulator(): Step {
    return {
      title: "Emulator",
      run: async (report) => {
        const options = { onLine: report, signal: this.options.signal };
        this.#emulator = await findEmulator(options);
        if (this.#emulator.kind === "docker") return this.#emulator.description;
        this.#node = await findLambdaNode(options);
        return `${this.#emulator.description}; functions on ${this.#node.description}`;
      },
    };
  }

  #startEmulator(): Step {
    return {
      title: "Start the emulator",
      run: async (report) => {
        const { home, signal, detach, recordCalls } = this.options;
        if (this.#emulator === undefined) throw new Error("the emulator was not found");
        const port = await choosePort(this.options.port);
        if (this.options.port === undefined && port !== DEFAULT_PORT) {
          report(`port ${DEFAULT_PORT} is taken by another program: using ${port}`);
        }
        const started = await startEmulator({
          emulator: this.#emulator,
          node: this.#node?.program ?? process.execPath,
          port,
          folder: home.folder,
          endsWithUs: !detach,
          recordCalls,
          signal,
        });
        this.#started = started;
        this.#endpoint = started.endpoint;
        await this.#write({
          endpoint: started.endpoint,
          port,
          emulator: {
            description: this.#emulator.description,
            process: started.process,
            ...(started.container === undefined ? {} : { container: started.container }),
            log: started.log,
          },
          since: new Date().toISOString(),
          stopping: false,
        });
        return port === DEFAULT_PORT || this.options.port !== undefined
          ? started.endpoint
          : `${started.endpoint} (${DEFAULT_PORT} is taken by another program)`;
      },
    };
  }

  async #useForeign(endpoint: string): Promise<string> {
    if (!(await isHealthy(endpoint))) {
      throw new EmulatorUnreachableError(
        `Nothing answers at ${endpoint}, which ALMANAC_AWS_ENDPOINT names. Start that emulator, or unset the variable: then npm start brings its own.`,
      );
    }
    return `${endpoint}, as ALMANAC_AWS_ENDPOINT says`;
  }

  async #useRunning({ endpoint, emulator }: RunRecord): Promise<string> {
    if (!(await isHealthy(endpoint))) {
      throw new EmulatorUnreachableError(
        `The emulator runs (process ${emulator.process.pid}) but does not answer at ${endpoint}. Stop it, then start anew: npm run stop`,
      );
    }
    return `${emulator.description} runs already at ${endpoint}`;
  }

  #deploymentSteps(): readonly Step[] {
    const { app, home, signal } = this.options;
    return [
      {
        title: "Synthesize the stack",
        run: async () => {
          const awsEndpoint = this.#knownEndpoint();
          await synthesizeStack("local", { app, outputDirectory: home.synthesized, awsEndpoint, signal });
          this.#deploying = true;
          return undefined;
        },
      },
      {
        title: "State bucket",
        run: async () => {
          const { bucket, created } = await ensureStateBucket(home.stack);
          return `${bucket}${created ? "" : ", there already"}`;
        },
      },
      {
        title: "Terraform init",
        run: async (report) => {
          // Of its thirty lines, those that say what it is waiting for.
          const onLine = (line: string) => {
            if (line.startsWith("- ")) report(line.slice(2));
          };
          await terraformInit({ ...this.#terraform(), onLine });
          return undefined;
        },
      },
      {
        title: "Terraform apply",
        run: async (report) => describeApplied(await terraformApply({ ...this.#terraform(), onProgress: report })),
      },
      {
        title: "Local pages",
        run: async () => {
          this.#features = featuresSchema.parse(await terraformOutputs(this.#terraform()));
          return this.#startPages();
        },
      },
      {
        title: "Sample data",
        run: async () => {
          const lines = await putSampleData(this.#knownEndpoint(), this.#features);
          if (this.#record !== undefined) {
            const deployment = { at: new Date().toISOString(), features: this.#features };
            await this.#write({ ...this.#record, deployment });
          }
          return lines.length === 0 ? "none" : lines.join(", ");
        },
      },
    ];
  }

  /** The status page and the Slack stand-in. An emulator of the user's own has no local pages. */
  async #startPages(): Promise<string> {
    const { slack_parameters: parameters } = slackOutputsSchema.parse(this.#features["pipelines"] ?? {});
    const { status_page_bucket_name: bucket } = statusPageOutputsSchema.parse(this.#features["heartbeats"] ?? {});
    if (parameters.length === 0 && bucket === undefined) return "none: no status page, and no pipeline notifies Slack";
    if (this.#record === undefined) return "none: the emulator is yours";
    const endpoint = this.#knownEndpoint();
    const known = this.#record.pages;
    const running = known !== undefined && isRunning(known.process) ? known : undefined;
    const current = running?.statusPageBucket === bucket ? running : undefined;
    if (running !== undefined && current === undefined) await endProcessGroup(running.process, PAGES_GRACE_MS);
    const endsWithUs = this.#started !== undefined && !this.options.detach;
    const statusPage = bucket === undefined ? {} : { statusPageBucket: bucket };
    const pages = current ?? {
      ...(await startPages({ folder: this.options.home.folder, endsWithUs, endpoint, ...statusPage })),
      ...statusPage,
    };
    await this.#write({ ...this.#record, pages });
    await putWebhooks(pages.url, parameters, localSettings(endpoint));
    return `${pages.url}${current === undefined ? "" : ", running already"}`;
  }

  #terraform(): TerraformOptions {
    return {
      cwd: this.options.home.stack,
      environment: withoutAwsSettings(),
      signal: this.options.signal,
      // The state of an emulator that was started now goes with it: there is nothing to save.
      ...(this.#started === undefined ? {} : { graceMs: 1_000 }),
    };
  }

  #knownEndpoint(): string {
    if (this.#endpoint === undefined) throw new Error("the emulator has no endpoint yet");
    return this.#endpoint;
  }

  async #write(record: RunRecord): Promise<void> {
    this.#record = record;
    await writeRecord(this.options.home, record);
  }

  /** Stops what was started now. @returns the error, with the end of the emulator's log when that may tell why */
  async #cleanUp(error: unknown): Promise<unknown> {
    if (this.#started === undefined) return error;
    const { log } = this.#started;
    const tail = await logTail(log, 15);
    await stopLocal(this.options.home);
    if (this.options.signal.aborted || !this.#deploying) return error;
    return new DeploymentFailedError(
      `${describeError(error)}\n\nThe emulator has been stopped. The end of its log, ${log}:\n${tail}`,
      { cause: error },
    );
  }
}
