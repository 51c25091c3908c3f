/** What the console can change: the input of each action, and its result. */
import type { TimerSummary } from "../contract";

export interface Actions {
  readonly "heartbeats.check": object;
  readonly "timers.put": {
    readonly kind: TimerSummary["kind"];
    readonly id: string;
    /** The body of the PUT, JSON text. */
    readonly body: string;
  };
  readonly "timers.delete": { readonly kind: TimerSummary["kind"]; readonly id: string };
  readonly "exports.run": { readonly export: string; readonly day: string; readonly force: boolean };
  readonly "pipelines.send": { readonly pipeline: string; readonly body: string; readonly times: number };
  readonly "pipelines.redrive": { readonly pipeline: string; readonly id: string };
  readonly "pipelines.replace": { readonly pipeline: string; readonly id: string; readonly body: string };
  readonly "workflows.start": { readonly taskId: string; readonly input: string };
  readonly "workflows.cancel": { readonly taskId: string };
}
export type ActionName = keyof Actions;

export interface ActionResult {
  /** For the viewer. */
  readonly message: string;
  /** Of the console: where its effect shows. */
  readonly href?: string;
}
