/** Starts the local environment, unless it runs, and deploys to it. */
import * as z from "zod";
import { localSettings } from "../emulator/local-settings";
import { findEmulator, type Emulator } from "../emulator/find";
import { isHealthy } from "../emulator/health";
import { continuationOf, readAbout, removeState, stateFile } from "../emulator/kept-state";
import { isRestored, saveState } from "../emulator/control";
import { findLambdaNode, type LambdaNode } from "../emulator/lambda-node";
import { pinnedRelease } from "../emulator/pinned-release";
import { logTail, startEmulator, type StartedEmulator } from "../emulator/run";
import { describeRemoved, removeRoutes } from "../terraform/removed-routes";
import { describeError } from "../shared/terminal/errors";
import { featuresSchema, type Features } from "../shared/feature-outputs";
import { withLock } from "../shared/lock-file";
import { outputsOfState, readState } from "../terraform/state";
import { ensureStateBucket, readStateBackend } from "../terraform/state-bucket";
import { rememberState, requireSameState } from "../terraform/deployed-state";
import { endProcessGroup, isRunning } from "../shared/processes";
import { synthesizeStack } from "../terraform/synthesize";
import {
  terraformApply,
  terraformInit,
  terraformVersion,
  emulatorEnvironment,
  type TerraformOptions,
} from "../terraform/terraform";
import { describeApplied } from "../terraform/events";
import type { Home } from "../shared/home";
import type { Companion } from "./companion";
import { startLocalConsole } from "./console";
import { isDeployed, markDeployed } from "./deployed-digest";
import { restoreDeployedCode } from "./live/deployed-functions";
import { rememberTerraform, wasApplyKilled } from "./killed-apply";
import { choosePort, DEFAULT_PORT, isPortFreeSoon } from "./port";
import { readResponding, writeRecord, type RunRecord } from "../emulator/run-record";
import { putSampleData } from "./sample-data";
import { putWebhooks, startPages } from "./pages/run";
import { runSteps, type Step } from "../shared/terminal/steps";
import { stopLocal } from "./stop";

const slackOutputsSchema = z.looseObject({ slack_parameters: z.array(z.string()).default([]) });
const statusPageOutputsSchema = z.looseObject({ status_page_bucket_name: z.string().optional() });

const PAGES_GRACE_MS = 2_000;

export interface StartOptions {
  readonly home: Home;
  /** The CDKTF app. */
  readonly app: string;
  /** @default the first free port */
  readonly port?: number;
  /** True: the emulator outlives this process. */
  readonly detach: boolean;
  /** True: forgets the state that an earlier run has kept. */
  readonly fresh: boolean;
  /** True: records the AWS calls of functions and state machines. Only for an emulator that is started now. */
  readonly recordCalls: boolean;
  /** The user's own AWS emulator: no emulator is started. */
  readonly endpoint?: string;
  readonly signal: AbortSignal;
}

export interface Started {
  readonly endpoint: string;
  readonly features: Features;
  /** Started now, found running, or the user's own. */
  readonly emulator: "started" | "found" | "foreign";
  readonly record?: RunRecord;
  /** Settles when the emulator that was started now ends. */
  readonly ended?: Promise<number | null>;
}

/** The running emulator conflicts with the options. The message says what to do. */
export class EmulatorConflictError extends Error {
  override readonly name = "EmulatorConflictError";
}

/** The emulator does not respond. The message says what to do. */
export class EmulatorUnreachableError extends Error {
  override readonly name = "EmulatorUnreachableError";
}

/** A step failed after the emulator had started. The message includes the end of its log. */
export class DeploymentFailedError extends Error {
  override readonly name = "DeploymentFailedError";
}

/** Starts the emulator if necessary, and deploys. On failure, stops what it has started. */
export async function startLocal(options: StartOptions): Promise<Started> {
  const { home, signal } = options;
  const onWait = (pid: number) => {
    console.log(`Waiting for another npm start (process ${pid}) in ${home.folder} ...`);
  };
  return withLock(home.lock, { onWait, signal }, () => new Start(options).run());
}

/** One run of the steps, and their shared state. */
class Start {
  #emulator: Emulator | undefined;
  #node: LambdaNode | undefined;
  #started: StartedEmulator | undefined;
  #record: RunRecord | undefined;
  #endpoint: string | undefined;
  #features: Features = {};
  /** Runs beside the start of the emulator: both are waited for. */
  #synthesis: Promise<string> | undefined;
  /** When it began, in epoch milliseconds. */
  #readMs = 0;
  /** True: an emulator started now continues from a kept state. */
  #restored = false;
  /** True once the emulator is in use, so that its log may explain a failure. */
  #deploying = false;

  constructor(private readonly options: StartOptions) {}

  async run(): Promise<Started> {
    try {
      await runSteps([this.#checkTools(), ...(await this.#emulatorSteps()), this.#synthesize()]);
      // Only a state that was restored: a deployment to a system that runs also repairs what was changed by hand.
      const unchanged = this.#restored && (await isDeployed(this.options.home.stack));
      await runSteps(unchanged ? [this.#findDeployed(), this.#localPages()] : this.#deploymentSteps());
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
    const running = await readResponding(home);
    if (running === undefined) return [this.#findEmulator(), this.#startEmulator()];

    if (port !== undefined && port !== running.port) {
      throw new EmulatorConflictError(
        `Almanac runs on port ${running.port} already, not ${port}. Omit --port to deploy there, or stop it first: npm run stop`,
      );
    }
    if (this.options.fresh) {
      throw new EmulatorConflictError(
        "Almanac runs already, and --fresh begins with an empty emulator. Stop it first (Ctrl-C there, or npm run stop), then start again.",
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
        if (this.#emulator === undefined) throw new Error("the emulator is not known yet");
        // What a killed run has left: its pages and its console go on without their emulator.
        await stopLocal(home);
        const release = pinnedRelease();
        const file = stateFile(home.folder);
        const about = this.options.fresh ? undefined : await readAbout(file);
        const kept = await continuationOf(about, release, this.options.port, isPortFreeSoon);
        const port = kept.port ?? (await choosePort(this.options.port));
        // After the choice: with a port that cannot be had, nothing is lost.
        if (kept.port === undefined) await removeState(file);
        void this.#beginSynthesis(`http://127.0.0.1:${port}`);
        if (this.options.port === undefined && port !== DEFAULT_PORT) {
          report(`port ${DEFAULT_PORT} is in use: using ${port}`);
        }
        const started = await startEmulator({
          emulator: this.#emulator,
          node: this.#node?.program ?? process.execPath,
          port,
          folder: home.folder,
          endsWithUs: !detach,
          recordCalls,
          state: { file, about: { port, ...release } },
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
        this.#restored = await isRestored(started.endpoint);
        if (this.#restored) return `${started.endpoint}, where it ended`;
        if (kept.reason !== undefined) return `${started.endpoint}, empty: ${kept.reason}`;
        return port === DEFAULT_PORT || this.options.port !== undefined
          ? started.endpoint
          : `${started.endpoint} (${DEFAULT_PORT} is in use)`;
      },
    };
  }

  async #useForeign(endpoint: string): Promise<string> {
    if (!(await isHealthy(endpoint))) {
      throw new EmulatorUnreachableError(
        `No response from ${endpoint} (ALMANAC_AWS_ENDPOINT). Start that emulator, or unset the variable: npm start then starts its own.`,
      );
    }
    return `${endpoint} (ALMANAC_AWS_ENDPOINT)`;
  }

  async #useRunning({ endpoint, emulator }: RunRecord): Promise<string> {
    if (!(await isHealthy(endpoint))) {
      throw new EmulatorUnreachableError(
        `The emulator (process ${emulator.process.pid}) does not respond at ${endpoint}. Stop it (npm run stop), then start again.`,
      );
    }
    return `${emulator.description} runs already at ${endpoint}`;
  }

  #synthesize(): Step {
    return {
      title: "Synthesize the stack",
      run: async () => {
        await this.#beginSynthesis(this.#knownEndpoint());
        this.#deploying = true;
        return undefined;
      },
    };
  }

  #beginSynthesis(awsEndpoint: string): Promise<string> {
    const { app, home, signal } = this.options;
    if (this.#synthesis === undefined) {
      this.#readMs = Date.now();
      this.#synthesis = synthesizeStack("local", { app, outputDirectory: home.synthesized, awsEndpoint, signal });
      // Its step reports a failure. Avoids an unhandled rejection until then.
      this.#synthesis.catch(() => undefined);
    }
    return this.#synthesis;
  }

  #findDeployed(): Step {
    return {
      title: "Deployment",
      run: async () => {
        await this.#readFeatures();
        await this.#recordDeployment();
        return `nothing changed${await this.#restoreCode()}`;
      },
    };
  }

  #deploymentSteps(): readonly Step[] {
    const { home } = this.options;
    return [
      {
        title: "State bucket",
        run: async () => {
          await this.#requireSameState();
          if (this.#started === undefined && (await wasApplyKilled(home.terraform, home.stack)))
            throw new EmulatorConflictError(
              "Terraform was killed while it changed what runs. Stop it (npm run stop), and start again: that continues from before.",
            );
          const { bucket, created } = await ensureStateBucket(home.stack);
          return `${bucket}${created ? "" : ", there already"}`;
        },
      },
      {
        title: "Terraform init",
        run: async (report) => {
          // Only the lines that say what it is waiting for.
          const onLine = (line: string) => {
            if (line.startsWith("- ")) report(line.slice(2));
          };
          await terraformInit({ ...this.#terraform(), onLine });
          return undefined;
        },
      },
      {
        title: "Terraform apply",
        run: async (report) => {
          const terraform = this.#terraform();
          const changes = await terraformApply({ ...terraform, onProgress: report });
          const removed = await removeRoutes(terraform, report);
          await this.#readFeatures();
          return `${describeApplied(changes)}${describeRemoved(removed)}${await this.#restoreCode()}`;
        },
      },
      this.#localPages(),
      {
        title: "Sample data",
        run: async () => {
          const lines = await putSampleData(this.#knownEndpoint(), this.#features);
          // Last: a start that was interrupted deploys again.
          await markDeployed(home.stack);
          await this.#recordDeployment();
          if (this.#started !== undefined) await saveState(this.#knownEndpoint());
          return lines.length === 0 ? "none" : lines.join(", ");
        },
      },
    ];
  }

  /** An emulator of the user's own may have anything else. */
  async #requireSameState(): Promise<void> {
    if (this.#record === undefined) return;
    const { stack, deployedState } = this.options.home;
    const backend = await readStateBackend(stack);
    if (this.#restored || this.#started === undefined) await requireSameState(deployedState, backend);
    await rememberState(deployedState, backend);
  }

  #localPages(): Step {
    return {
      title: "Local pages",
      run: async () => {
        const console_ = this.#startConsole();
        // Its failure is reported below.
        console_.catch(() => undefined);
        const pages = await this.#startPages();
        return `${pages}; console ${await this.#recordConsole(await console_)}`;
      },
    };
  }

  /** Of functions that a session has given code that is not deployed. */
  async #restoreCode(): Promise<string> {
    if (this.#record === undefined) return "";
    const restored = await restoreDeployedCode(this.options.home.stack);
    return restored.length === 0 ? "" : `, code of ${restored.join(", ")} as it was`;
  }

  async #readFeatures(): Promise<void> {
    const state = await readState(await readStateBackend(this.options.home.stack));
    this.#features = featuresSchema.parse(state === undefined ? {} : outputsOfState(state));
  }

  async #recordDeployment(): Promise<void> {
    if (this.#record === undefined) return;
    const deployment = { at: new Date().toISOString(), readMs: this.#readMs, features: this.#features };
    await this.#write({ ...this.#record, deployment });
  }

  /** The status page and the Slack stand-in. An emulator of the user's own has no local pages. */
  async #startPages(): Promise<string> {
    const { slack_parameters: parameters } = slackOutputsSchema.parse(this.#features["pipelines"] ?? {});
    const { status_page_bucket_name: bucket } = statusPageOutputsSchema.parse(this.#features["heartbeats"] ?? {});
    if (parameters.length === 0 && bucket === undefined) {
      await this.#endPages();
      return "none: no status page, and no pipeline notifies Slack";
    }
    if (this.#record === undefined) return "none: the emulator is yours";
    const endpoint = this.#knownEndpoint();
    const known = this.#record.pages;
    const running = known !== undefined && isRunning(known.process) ? known : undefined;
    const current = running?.statusPageBucket === bucket ? running : undefined;
    if (running !== undefined && current === undefined) await endProcessGroup(running.process, PAGES_GRACE_MS);
    const endsWithUs = this.#emulatorEndsWithUs();
    const statusPage = bucket === undefined ? {} : { statusPageBucket: bucket };
    const port = known === undefined ? {} : { port: new URL(known.url).port };
    const pages = current ?? {
      ...(await startPages({ folder: this.options.home.folder, endsWithUs, endpoint, ...statusPage, ...port })),
      ...statusPage,
    };
    await this.#write({ ...this.#record, pages });
    const kept = await putWebhooks(pages.url, parameters, localSettings(endpoint));
    const note = kept.length === 0 ? "" : `, not used for ${kept.join(", ")}: set by you`;
    return `${pages.url}${current === undefined ? "" : ", running already"}${note}`;
  }

  /** Of features that were removed. */
  async #endPages(): Promise<void> {
    if (this.#record?.pages === undefined) return;
    const { pages, ...record } = this.#record;
    await endProcessGroup(pages.process, PAGES_GRACE_MS);
    await this.#write(record);
  }

  /** Beside the other pages: each takes a second of a start. */
  async #startConsole(): Promise<Companion | undefined> {
    if (this.#record === undefined) return undefined;
    const known = this.#record.console;
    if (known !== undefined && isRunning(known.process)) return known;
    const { home, app } = this.options;
    return startLocalConsole({ home, app, endsWithUs: this.#emulatorEndsWithUs() });
  }

  async #recordConsole(started: Companion | undefined): Promise<string> {
    if (started === undefined || this.#record === undefined) return "not started: npx almanac console";
    await this.#write({ ...this.#record, console: started });
    return started.url;
  }

  #terraform(): TerraformOptions {
    return {
      cwd: this.options.home.stack,
      environment: emulatorEnvironment(),
      signal: this.options.signal,
      // An emulator that was started now takes its state with it: nothing to save.
      ...(this.#started === undefined ? {} : { graceMs: 1_000 }),
      endsWithUs: this.#emulatorEndsWithUs(),
      onStart: (terraform) => {
        rememberTerraform(this.options.home.terraform, terraform);
      },
    };
  }

  #emulatorEndsWithUs(): boolean {
    return this.#started !== undefined && !this.options.detach;
  }

  #knownEndpoint(): string {
    if (this.#endpoint === undefined) throw new Error("the endpoint is not known yet");
    return this.#endpoint;
  }

  async #write(record: RunRecord): Promise<void> {
    this.#record = record;
    await writeRecord(this.options.home, record);
  }

  /** Stops what was started now. @returns the error, with the end of the emulator's log if that may explain it */
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
