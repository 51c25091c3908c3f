/** Which changes of the sources go into which functions, and which Terraform has to apply. The bundler and Lambda are ports. */
import { errorMessage } from "../../../functions/shared/errors";
import type { DeployedFunction } from "./deployed-functions";
import type { LiveEvent } from "./events";

/** A bundled handler, with the files of the project in it. Paths are relative to the project. */
export interface Bundled {
  readonly entry: string;
  readonly zipFile: string;
  readonly inputs: readonly string[];
  /** Its code, as Lambda gives it: SHA-256 in base64. */
  readonly codeSha256: string;
}

export interface TypeError {
  readonly file: string;
  /** `functions/timers/api.ts:12:7 Type 'string' is not assignable to type 'number'.` */
  readonly text: string;
}

export interface LiveCodePorts {
  /** Bundles handlers as their sources are now. Throws with the compiler's messages. */
  readonly build: (entries: readonly string[]) => Promise<readonly Bundled[]>;
  /** Puts a zip into a function. */
  readonly put: (functionName: string, zipFile: string) => Promise<void>;
  /** The compiler's errors in files. Undefined: a later call has taken its place. */
  readonly typeErrors: (files: readonly string[]) => Promise<readonly TypeError[] | undefined>;
  readonly say: (event: LiveEvent) => void;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

/** A handler that is deployed. */
interface Handler {
  readonly functions: readonly string[];
  readonly inputs: readonly string[];
  /** Of the code that its functions have. */
  readonly codeSha256: string;
}

export class LiveCode {
  /** By entry. */
  readonly #handlers = new Map<string, Handler>();
  /** Changed, and not in their functions yet: they do not build, or Lambda has refused them. */
  readonly #stale = new Set<string>();
  /** Files with errors in the last check. */
  #wrong: readonly string[] = [];

  /**
   * @param deployed the functions, with the code that they have
   * @param bundles those that may be deployed
   * @param app the CDKTF app, relative to the project
   */
  constructor(
    deployed: readonly DeployedFunction[],
    bundles: readonly Bundled[],
    private readonly app: string,
    private readonly ports: LiveCodePorts,
  ) {
    for (const { entry, inputs, codeSha256 } of bundles) {
      const functions = deployed.filter((each) => each.codeSha256 === codeSha256).map(({ name }) => name);
      if (functions.length > 0) this.#handlers.set(entry, { functions, inputs, codeSha256 });
    }
  }

  get functions(): readonly string[] {
    return [...this.#handlers.values()].flatMap(({ functions }) => functions);
  }

  /** The files of all deployed handlers. */
  get files(): readonly string[] {
    return [...new Set([...this.#handlers.values()].flatMap(({ inputs }) => inputs))];
  }

  /** After a change of files, relative to the project. */
  async change(files: readonly string[]): Promise<void> {
    const affected = [...this.#handlers].filter(([, { inputs }]) => files.some((file) => inputs.includes(file)));
    for (const [entry] of affected) this.#stale.add(entry);
    const known = new Set(this.files);
    await this.#bringUpToDate();
    const ofStack = files.filter((file) => this.#isOfStack(file, known));
    if (ofStack.length > 0) this.ports.say({ kind: "stack", files: ofStack });
    // Beside it: the code is live before its types are checked. A change may be wrong where the changed file is used.
    void this.#checkTypes([...new Set([...files, ...affected.flatMap(([, { inputs }]) => inputs), ...this.#wrong])]);
  }

  async #bringUpToDate(): Promise<void> {
    if (this.#stale.size === 0) return;
    const { ports } = this;
    const began = ports.elapsed();
    const live: string[] = [];
    const failures: unknown[] = [];
    try {
      const bundles = await ports.build([...this.#stale]);
      await Promise.all(
        bundles.map(async (bundle) => {
          try {
            live.push(...(await this.#put(bundle)));
          } catch (error) {
            failures.push(error);
          }
        }),
      );
    } catch (error) {
      failures.push(error);
    }
    if (live.length > 0)
      ports.say({ kind: "live", functions: live.sort(), seconds: (ports.elapsed() - began) / 1_000 });
    for (const message of new Set(failures.map(errorMessage))) ports.say({ kind: "failed", message });
  }

  /** @returns the functions that have new code */
  async #put({ entry, zipFile, inputs, codeSha256 }: Bundled): Promise<readonly string[]> {
    const handler = this.#handlers.get(entry);
    if (handler === undefined) return [];
    const isNew = codeSha256 !== handler.codeSha256;
    if (isNew) await Promise.all(handler.functions.map((name) => this.ports.put(name, zipFile)));
    this.#handlers.set(entry, { ...handler, inputs, codeSha256 });
    this.#stale.delete(entry);
    return isNew ? handler.functions : [];
  }

  /** A contract is the module's as well: it declares environment variables. */
  #isOfStack(file: string, ofHandlers: ReadonlySet<string>): boolean {
    return (
      file.endsWith("/contract.ts") ||
      (!ofHandlers.has(file) && (file === this.app || /^(modules|workflows)\//.test(file)))
    );
  }

  async #checkTypes(files: readonly string[]): Promise<void> {
    const errors = await this.ports.typeErrors(files);
    if (errors === undefined) return;
    const wereWrong = this.#wrong.length > 0;
    this.#wrong = [...new Set(errors.map(({ file }) => file))];
    if (wereWrong || errors.length > 0) this.ports.say({ kind: "types", errors: errors.map(({ text }) => text) });
  }
}
