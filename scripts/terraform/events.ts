/** Reads the lines of `terraform apply -json` and `destroy -json`: progress and errors. */
import * as z from "zod";
import { parseJson } from "../shared/fields";

/** The lines of Terraform's output that are shown. */
const eventSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("change_summary"),
    changes: z.object({ add: z.number(), change: z.number(), remove: z.number(), operation: z.string() }),
  }),
  z.object({
    type: z.enum(["apply_start", "apply_progress", "apply_complete", "apply_errored"]),
    hook: z.object({
      resource: z.object({ addr: z.string() }),
      action: z.string(),
      elapsed_seconds: z.number().optional(),
    }),
  }),
  z.object({
    type: z.literal("diagnostic"),
    diagnostic: z.object({
      severity: z.string(),
      summary: z.string(),
      detail: z.string().default(""),
      address: z.string().optional(),
      range: z.object({ filename: z.string(), start: z.object({ line: z.number() }) }).optional(),
    }),
  }),
]);

/** Said of each resource that an interrupted run did not come to. */
const NOT_BEGUN = "execution halted";

/** Counts of changed resources. A replaced one counts as added and removed. */
export interface ChangeCounts {
  readonly add: number;
  readonly change: number;
  readonly remove: number;
}

const DONE: Readonly<Record<string, string>> = { create: "created", update: "updated", delete: "destroyed" };
const DOING: Readonly<Record<string, string>> = { create: "creating", update: "updating", delete: "destroying" };

/** Parses the output line by line, and keeps counts and errors. */
export class TerraformProgress {
  #planned: number | undefined;
  #done = 0;
  #applied: ChangeCounts = { add: 0, change: 0, remove: 0 };
  readonly #errors: string[] = [];
  readonly #other: string[] = [];

  /** @param planned the number of changes; Terraform does not print it when it applies a saved plan */
  constructor(planned?: number) {
    this.#planned = planned;
  }

  /** A progress line: `created 12 of 31: module.heartbeats.aws_lambda_function.check`; undefined for other lines. */
  read(line: string): string | undefined {
    const parsed = parseJson(line);
    if (parsed === undefined) {
      if (line.trim() !== "") this.#other.push(line);
      return undefined;
    }
    const event = eventSchema.safeParse(parsed).data;
    switch (event?.type) {
      case "change_summary": {
        const { operation, add, change, remove } = event.changes;
        if (operation === "plan") this.#planned = add + change + remove;
        else this.#applied = { add, change, remove };
        return operation === "plan" ? `planned: ${describePlan({ add, change, remove })}` : undefined;
      }
      case "apply_progress": {
        const { action, resource, elapsed_seconds: seconds } = event.hook;
        return `${DOING[action] ?? action} since ${seconds ?? "?"} s: ${resource.addr}`;
      }
      case "apply_complete": {
        const { action, resource } = event.hook;
        // Reading a data source is no change.
        if (DONE[action] === undefined) return undefined;
        this.#done += 1;
        return `${DONE[action]} ${this.#done} of ${this.#planned ?? "?"}: ${resource.addr}`;
      }
      case "diagnostic":
        if (event.diagnostic.severity === "error" && event.diagnostic.summary !== NOT_BEGUN)
          this.#errors.push(describeDiagnostic(event.diagnostic));
        return undefined;
      case "apply_start":
      case "apply_errored":
      case undefined:
        return undefined;
    }
  }

  /** The changes of a complete run. */
  get applied(): ChangeCounts {
    return this.#applied;
  }

  /** All errors; else Terraform's last lines that are not JSON. */
  get errors(): string {
    return (this.#errors.length > 0 ? this.#errors : this.#other.slice(-20)).join("\n");
  }
}

/** `3 to add, 1 to change`, or `no changes`. */
export function describePlan(counts: ChangeCounts): string {
  return describe(counts, { add: "to add", change: "to change", remove: "to destroy" }, "no changes");
}

/** `3 added, 1 changed`, or `nothing changed`. */
export function describeApplied(counts: ChangeCounts): string {
  return describe(counts, { add: "added", change: "changed", remove: "destroyed" }, "nothing changed");
}

function describe(counts: ChangeCounts, words: Readonly<Record<keyof ChangeCounts, string>>, nothing: string): string {
  const kinds = ["add", "change", "remove"] as const;
  const parts = kinds.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${words[kind]}`);
  return parts.length > 0 ? parts.join(", ") : nothing;
}

interface Diagnostic {
  readonly summary: string;
  readonly detail: string;
  readonly address?: string | undefined;
  readonly range?: { readonly filename: string; readonly start: { readonly line: number } } | undefined;
}

function describeDiagnostic({ summary, detail, address, range }: Diagnostic): string {
  const where = address ?? (range === undefined ? undefined : `${range.filename}:${range.start.line}`);
  const indented = detail.trim() === "" ? "" : `\n  ${detail.trim().replaceAll("\n", "\n  ")}`;
  return `${where === undefined ? "" : `${where}: `}${summary}${indented}`;
}
