/** A refund: small ones are paid at once, others when somebody has approved them. */
import { jsonata } from "../modules/asl/asl";
import { defineWorkflow } from "../modules/workflows/define-workflow";

const { stateMachine, choice, lambdaInvoke, fail } = jsonata;

/** Started with `{amount, customer}`. */
export const workflow = defineWorkflow({
  functions: { pay: { entry: "workflows/refund/pay.ts", timeoutSeconds: 30 } },
  machine: ({ functions, approval }) =>
    stateMachine({
      StartAt: "IsRefund",
      States: {
        IsRefund: choice({
          Choices: [
            {
              Comment: "an amount above 0",
              Condition: '{% $type($states.input.input.amount) = "number" and $states.input.input.amount > 0 %}',
              Next: "IsSmall",
            },
          ],
          Default: "NoRefund",
        }),
        NoRefund: fail({ Error: "NoRefund", Cause: "its amount is not a number above 0" }),
        IsSmall: choice({
          Choices: [{ Comment: "up to 100", Condition: "{% $states.input.input.amount <= 100 %}", Next: "Pay" }],
          Default: "Approve",
        }),
        Approve: approval({ TimeoutSeconds: 1_800, Output: "{% $states.input %}", Next: "Pay" }),
        Pay: lambdaInvoke({
          Arguments: { FunctionName: functions.pay, Payload: "{% $states.input %}" },
          Output: "{% $states.result.Payload %}",
          TimeoutSeconds: 35,
          Retry: [
            { ErrorEquals: ["States.Timeout"], MaxAttempts: 0 },
            { ErrorEquals: ["States.ALL"], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2, JitterStrategy: "FULL" },
          ],
          End: true,
        }),
      },
    }),
});
