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

/** Handlers do not build. The message is the compiler's. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  constructor(
    message: string,
    /** Those with errors, relative to the project. */
    readonly files: readonly string[],
  ) {
    super(message);
  }
}

interface Built {
  readonly bundles: readonly Bundled[];
  readonly failures: readonly unknown[];
}

export interface LiveCodePorts {
  /**
   * Bundles handlers as their sources are now.
   * @throws BuildError
   */
  readonly build: (entries: readonly string[]) => Promise<readonly Bundled[]>;
  /** Puts a zip into a function. */
  readonly put: (functionName: string, zipFile: string) => Promise<void>;
  /** The compiler's errors in files. Undefined: it was stopped. */
  readonly typeErrors: (files: readonly string[]) => Promise<readonly TypeError[] | undefined>;
  readonly stopTypeCheck: () => void;
  /** What distinguishes a file's content. Undefined: there is no such file. */
  readonly contentOf: (file: string) => string | undefined;
  readonly say: (event: LiveEvent) => void;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

/** A handler that is deployed. */
interface Handler {
  readonly functions: readonly string[];
  readonly inputs: readonly string[];
  /** Of the code that its functions have. Undefined: they have not all the same. */
  readonly codeSha256: string | undefined;
}

export class LiveCode {
  /** By entry. */
  readonly #handlers = new Map<string, Handler>();
  /** Changed, and not in their functions yet: they do not build, or Lambda has refused them. */
  readonly #stale = new Set<string>();
  /** Those of the last change: what has been said is not repeated with each change of something else. */
  #failures: ReadonlySet<string> = new Set();
  /** The files that Terraform has applied, with their content then. Undefined: it is not known. */
  readonly #applied = new Map<string, string | undefined>();
  /** Those that differ. */
  readonly #waiting = new Set<string>();
  /** Changed, and the check of their types was stopped. */
  readonly #unchecked = new Set<string>();
  /** Files with errors in the last check. */
  #wrong: readonly string[] = [];

  /**
   * @param deployed the functions, with the code that Terraform has uploaded
   * @param current the code that they have, by name: other code, when what was saved is not deployed yet
   * @param bundles those that may be deployed
   * @param app the CDKTF app, relative to the project
   */
  constructor(
    deployed: readonly DeployedFunction[],
    current: ReadonlyMap<string, string>,
    bundles: readonly Bundled[],
    private readonly app: string,
    private readonly ports: LiveCodePorts,
  ) {
    for (const { entry, inputs, codeSha256 } of bundles) {
      const functions = deployed
        .filter((each) => [each.codeSha256, current.get(each.name)].includes(codeSha256))
        .map(({ name }) => name);
      const isInAll = functions.every((name) => current.get(name) === codeSha256);
      if (functions.length > 0)
        this.#handlers.set(entry, { functions, inputs, codeSha256: isInAll ? codeSha256 : undefined });
    }
  }

  get functions(): readonly string[] {
    return [...this.#handlers.values()].flatMap(({ functions }) => functions);
  }

  /** The files of all deployed handlers. */
  get files(): readonly string[] {
    return [...new Set([...this.#handlers.values()].flatMap(({ inputs }) => inputs))];
  }

  /** A file that Terraform has applied. @param isAsApplied false: it was changed since */
  remember(file: string, isAsApplied: boolean): void {
    if (this.#isOfStack(file, new Set(this.files)))
      this.#applied.set(file, isAsApplied ? this.ports.contentOf(file) : undefined);
  }

  /** After a change of files, relative to the project. */
  async change(files: readonly string[]): Promise<void> {
    // It would take the processor from what the person waits for.
    this.ports.stopTypeCheck();
    const affected = [...this.#handlers].filter(([, { inputs }]) => files.some((file) => inputs.includes(file)));
    const entries = affected.map(([entry]) => entry);
    const known = new Set(this.files);
    await this.#bringUpToDate(entries);
    this.#compare(files.filter((file) => this.#isOfStack(file, known)));
    // Beside it: the code is live before its types are checked. A change may be wrong where the changed file is used.
    for (const file of [...files, ...affected.flatMap(([, { inputs }]) => inputs)]) this.#unchecked.add(file);
    void this.#checkTypes();
  }

  /** With what Terraform has applied: a change that was undone does not wait for it. */
  #compare(files: readonly string[]): void {
    const hadWaiting = this.#waiting.size > 0;
    for (const file of files) {
      const content = this.ports.contentOf(file);
      const isApplied = this.#applied.has(file)
        ? content !== undefined && content === this.#applied.get(file)
        : content === undefined;
      if (isApplied) this.#waiting.delete(file);
      else this.#waiting.add(file);
    }
    const changed = files.filter((file) => this.#waiting.has(file));
    if (changed.length > 0) this.ports.say({ kind: "stack", files: changed });
    else if (hadWaiting && this.#waiting.size === 0) this.ports.say({ kind: "undone" });
  }

  async #bringUpToDate(changed: readonly string[]): Promise<void> {
    const { ports } = this;
    const began = ports.elapsed();
    // What was broken before may be broken still: it waits for its own mend, and nothing else waits for it.
    const before = [...this.#stale];
    const ofChange = await this.#make(changed.filter((entry) => !this.#stale.has(entry)));
    const ofBefore = await this.#make(before, { areBroken: true });
    const live = [...ofChange.live, ...ofBefore.live].sort();
    if (live.length > 0) ports.say({ kind: "live", functions: live, seconds: (ports.elapsed() - began) / 1_000 });
    const isTouched = before.some((entry) => changed.includes(entry));
    const failures = new Set([...ofChange.failures, ...ofBefore.failures].map(errorMessage));
    const news = new Set([...ofChange.failures, ...(isTouched ? ofBefore.failures : [])].map(errorMessage));
    for (const message of failures)
      if (news.has(message) || !this.#failures.has(message)) ports.say({ kind: "failed", message });
    this.#failures = failures;
  }

  /** Builds handlers, and puts them into their functions. Of a broken one it is news that it is live, also with the code of before. */
  async #make(
    entries: readonly string[],
    { areBroken = false } = {},
  ): Promise<{ readonly live: readonly string[]; readonly failures: unknown[] }> {
    for (const entry of entries) this.#stale.add(entry);
    const { bundles, failures } = await this.#build(entries);
    const live: string[] = [];
    const refused: unknown[] = [];
    await Promise.all(
      bundles.map(async (bundle) => {
        try {
          const put = await this.#put(bundle);
          live.push(...(areBroken ? this.#functionsOf(bundle) : put));
        } catch (error) {
          refused.push(error);
        }
      }),
    );
    return { live, failures: [...failures, ...refused] };
  }

  /** Handlers that do not build leave the others alone. */
  async #build(entries: readonly string[]): Promise<Built> {
    if (entries.length === 0) return { bundles: [], failures: [] };
    try {
      return { bundles: await this.ports.build(entries), failures: [] };
    } catch (error) {
      const wrong = error instanceof BuildError ? error.files : [];
      const isBroken = (entry: string) =>
        wrong.some((file) => file === entry || this.#handlers.get(entry)?.inputs.includes(file) === true);
      const others = entries.filter((entry) => !isBroken(entry));
      if (others.length === entries.length) return { bundles: [], failures: [error] };
      const built = await this.#build(others);
      return { ...built, failures: [error, ...built.failures] };
    }
  }

  #functionsOf({ entry }: Bundled): readonly string[] {
    return this.#handlers.get(entry)?.functions ?? [];
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

  async #checkTypes(): Promise<void> {
    const files = new Set([...this.#unchecked, ...this.#wrong]);
    const errors = await this.ports.typeErrors([...files]);
    if (errors === undefined) return;
    for (const file of files) this.#unchecked.delete(file);
    const wereWrong = this.#wrong.length > 0;
    this.#wrong = [...new Set(errors.map(({ file }) => file))];
    if (wereWrong || errors.length > 0) this.ports.say({ kind: "types", errors: errors.map(({ text }) => text) });
  }
}
