/** Plans as `terraform show -json` writes them, made of just what a test is about. */

export interface SampleChange {
  readonly address: string;
  readonly actions: readonly string[];
  readonly before?: Readonly<Record<string, unknown>> | null;
  readonly after?: Readonly<Record<string, unknown>> | null;
  readonly after_unknown?: unknown;
  readonly before_sensitive?: unknown;
  readonly after_sensitive?: unknown;
  readonly replace_paths?: readonly (readonly (string | number)[])[];
  readonly previous_address?: string;
  readonly deposed?: string;
}

/** The JSON of a plan with these changes. */
export function samplePlan(changes: readonly SampleChange[], rest: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    format_version: "1.2",
    resource_changes: changes.map(({ address, previous_address, deposed, ...change }) => {
      const [, module, type = "", name = ""] = /^(?:(module\.\w+)\.)?(\w+)\.(\w+)/.exec(address) ?? [];
      return {
        address,
        ...(module !== undefined && { module_address: module }),
        ...(previous_address !== undefined && { previous_address }),
        ...(deposed !== undefined && { deposed }),
        mode: "managed",
        type,
        name,
        change: { before: null, after: null, after_unknown: {}, before_sensitive: {}, after_sensitive: {}, ...change },
      };
    }),
    ...rest,
  });
}
