/** Which changes of the sources go into which functions, and which Terraform has to apply. The bundler and Lambda are ports. */
import type { LiveEvent } from "./events";

/** A bundled handler, with the files of the project in it. Paths are relative to the project. */
export interface Bundled {
  readonly entry: string;
  readonly zipFile: string;
  readonly inputs: readonly string[];
  /** Its code, as Lambda gives it: SHA-256 in base64. */
  readonly codeSha256: string;
}

export interface LiveCodePorts {
  /** The bundles as they are. */
  readonly bundles: () => readonly Bundled[];
  /** Builds those whose sources have changed. @returns their entries. Throws with the compiler's messages. */
  readonly build: (entries: readonly string[]) => readonly string[];
  /** Puts a zip into a function. */
  readonly put: (functionName: string, zipFile: string) => Promise<void>;
  /** The compiler's errors in files. A later call makes the earlier one undefined. */
  readonly typeErrors: (files: readonly string[]) => Promise<readonly string[] | undefined>;
  readonly say: (event: LiveEvent) => void;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

export interface FunctionCode {
  readonly name: string;
  /** Of what Terraform has deployed. */
  readonly codeSha256: string;
}

export class LiveCode {
  /** The functions of each handler. */
  readonly #functions = new Map<string, readonly string[]>();
  #bundles: ReadonlyMap<string, Bundled> = new Map();

  constructor(
    deployed: readonly FunctionCode[],
    private readonly ports: LiveCodePorts,
  ) {
    this.#read();
    const byCode = new Map([...this.#bundles.values()].map((bundle) => [bundle.codeSha256, bundle.entry]));
    for (const { name, codeSha256 } of deployed) {
      const entry = byCode.get(codeSha256);
      // Changed since the stack was synthesized: the next start deploys it.
      if (entry !== undefined) this.#functions.set(entry, [...(this.#functions.get(entry) ?? []), name]);
    }
  }

  /** Puts back the code that an earlier run has changed without Terraform. @param current the code that each function has */
  async putBack(current: readonly FunctionCode[]): Promise<void> {
    const codes = new Map(current.map(({ name, codeSha256 }) => [name, codeSha256]));
    for (const [entry, names] of this.#functions) {
      const bundle = this.#bundles.get(entry);
      for (const name of names)
        if (bundle !== undefined && codes.get(name) !== bundle.codeSha256) await this.ports.put(name, bundle.zipFile);
    }
  }

  /** After a change of files, relative to the project. */
  async change(files: readonly string[]): Promise<void> {
    const { ports } = this;
    const began = ports.elapsed();
    try {
      const entries = [...this.#bundles.values()]
        .filter(({ inputs }) => files.some((file) => inputs.includes(file)))
        .map(({ entry }) => entry);
      const built = entries.length === 0 ? [] : ports.build(entries);
      this.#read();
      const names = (await Promise.all(built.map((entry) => this.#put(entry)))).flat().sort();
      if (names.length > 0) ports.say({ kind: "live", functions: names, seconds: (ports.elapsed() - began) / 1_000 });
    } catch (error) {
      ports.say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
    const ofStack = files.filter(isOfStack);
    if (ofStack.length > 0) ports.say({ kind: "stack", files: ofStack });
    // Beside it: the code is live before its types are checked.
    void this.#checkTypes(files);
  }

  async #put(entry: string): Promise<readonly string[]> {
    const bundle = this.#bundles.get(entry);
    const names = this.#functions.get(entry) ?? [];
    if (bundle !== undefined) await Promise.all(names.map((name) => this.ports.put(name, bundle.zipFile)));
    return names;
  }

  #read(): void {
    this.#bundles = new Map(this.ports.bundles().map((bundle) => [bundle.entry, bundle]));
  }

  async #checkTypes(files: readonly string[]): Promise<void> {
    const errors = await this.ports.typeErrors(files);
    if (errors !== undefined) this.ports.say({ kind: "types", errors: [...errors] });
  }
}

/** A contract is the module's as well: it declares environment variables. */
function isOfStack(file: string): boolean {
  return !/^(functions|clients)\//.test(file) || file.endsWith("/contract.ts");
}
