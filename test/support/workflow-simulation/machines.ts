/** The machines of simulated worlds. Each state passes the task on, so that a redrive can resume in any of them. */
import { jsonata } from "../../../modules/asl/asl";
import type { Machine } from "../../../modules/asl/machine";
import { taskMachine } from "../../../modules/workflows/definition";
import { ownMachine } from "../../../modules/workflows/own-machine";
import { approval } from "../../../modules/workflows/record";
import type { Random } from "../simulation/random";

const { stateMachine, choice, lambdaInvoke, pass } = jsonata;

export const APPROVAL_SECONDS = 600;
export const TIME_LIMIT_SECONDS = 1_800;

/** Amounts up to this one need no approval. */
const SMALL = 50;
const REFS = { table: "tasks", timeLimitSeconds: TIME_LIMIT_SECONDS, keepDays: 90 };
const TASK = "{% $states.input %}";

export interface DrawnMachine {
  readonly machine: Machine;
  /** It has approvals, and can be redriven. */
  readonly isOwn: boolean;
}

export function drawMachine(random: Random): DrawnMachine {
  if (random.chance(0.3)) {
    const work = { functionName: "work", timeoutSeconds: 30, retries: random.whole(0, 2) };
    return { machine: taskMachine({ ...REFS, waitSeconds: random.of([0, 30]), work }), isOwn: false };
  }
  const hasCatch = random.chance(0.3);
  const isTwice = random.chance(0.4);
  const machine = stateMachine({
    StartAt: "IsSmall",
    States: {
      IsSmall: choice({
        Choices: [{ Condition: `{% $states.input.input.amount <= ${SMALL} %}`, Next: "Work" }],
        Default: "Approve",
      }),
      Approve: approval(REFS, {
        TimeoutSeconds: APPROVAL_SECONDS,
        Output: TASK,
        Next: isTwice ? "ApproveAgain" : "Work",
        ...(hasCatch && { Catch: [{ ErrorEquals: ["Rejected"], Output: TASK, Next: "Skip" }] }),
      }),
      ...(isTwice && {
        ApproveAgain: approval(REFS, { TimeoutSeconds: APPROVAL_SECONDS, Output: TASK, Next: "Work" }),
      }),
      Work: lambdaInvoke({
        Arguments: { FunctionName: "work", Payload: TASK },
        Output: TASK,
        TimeoutSeconds: 30,
        End: true,
      }),
      ...(hasCatch && { Skip: pass({ End: true }) }),
    },
  });
  return { machine: ownMachine({ ...REFS, machine }), isOwn: true };
}
