/** The module of workflows: API, and for each workflow state machine, functions and alarms. */
import type { TerraformStack } from "cdktf";
import { SWEEP_MINUTES } from "../../functions/workflows/contract";
import { MINUTE_SECONDS } from "../../functions/shared/time";
import { Alarm } from "../constructs/resources/alarm";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import type { WorkflowsConfig } from "./schema";
import { createWorkflow, type CreatedWorkflow } from "./workflow";

export { workflowsSchema } from "./schema";

/** Runs tasks in state machines and keeps each task's row consistent with its execution. */
export class Workflows extends Feature {
  readonly deadLetterAlarm = {
    description: "Task starts, task events or sweeps failed after all retries (messages in the dead-letter queue)",
    impact: "Some tasks did not start, or their rows may be stale until the next sweep.",
    runbook: "workflows#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: WorkflowsConfig) {
    super(environment, "workflows", deployment);
    const workflows = Object.entries(config).map(([name, workflow]) => createWorkflow(this, name, workflow));
    this.createAlarms();
    this.createDashboardRow("Workflows", this.graphs(workflows));

    this.output(
      "workflows",
      "Table, state machine, functions and API by workflow name",
      Object.fromEntries(workflows.map(({ name, outputs }) => [name, outputs])),
    );
  }

  private createAlarms(): void {
    new Alarm(this, "stuck-tasks", {
      spec: {
        description: "Tasks are running longer than their time limit",
        impact: "The affected tasks stay STARTED.",
        runbook: "workflows#stuck-tasks",
      },
      ...this.metric("stuckTasks"),
      statistic: "Maximum",
      periodSeconds: SWEEP_MINUTES * MINUTE_SECONDS,
    });
  }

  private graphs(workflows: readonly CreatedWorkflow[]): readonly Graph[] {
    return [
      ...workflows.map(({ name, machine }) => ({
        title: `Tasks of ${name}`,
        lines: [
          { ...machine.metric("ExecutionsStarted"), label: "started", statistic: "Sum" } as const,
          { ...machine.metric("ExecutionsSucceeded"), label: "done", statistic: "Sum" } as const,
          { ...machine.metric("ExecutionsFailed"), label: "failed", statistic: "Sum" } as const,
          { ...machine.metric("ExecutionsTimedOut"), label: "timed out", statistic: "Sum" } as const,
          { ...machine.metric("ExecutionsAborted"), label: "aborted", statistic: "Sum" } as const,
        ],
      })),
      {
        title: "Start requests and reconciled rows",
        lines: [
          { ...this.metric("startRequests"), label: "start requests", statistic: "Sum" } as const,
          { ...this.metric("reconciledByEvent"), label: "by an event", statistic: "Sum" } as const,
          { ...this.metric("reconciledBySweep"), label: "by the sweep", statistic: "Sum" } as const,
          { ...this.metric("stuckTasks"), label: "stuck", statistic: "Maximum" },
        ],
      },
    ];
  }
}
