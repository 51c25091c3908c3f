/** Step Functions' API with AWS's quotas and pages, for an account with nothing else in it. In-memory, on the test's clock. */
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, type ExecutionStatus } from "@aws-sdk/client-sfn";
import { mockClient } from "aws-sdk-client-mock";
import type { Clock } from "../../functions/shared/clock";

/** Token buckets: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html, most regions. */
const QUOTAS = {
  describe: { bucket: 250, perSecond: 10 },
  list: { bucket: 100, perSecond: 5 },
} as const;

const PAGE_SIZE = { default: 100, max: 1_000 } as const;

export interface StoredExecution {
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly startedAt: number;
  readonly stoppedAt?: number;
}

export function throttledStates(clock: Clock, arnPrefix: string, executions: readonly StoredExecution[]) {
  const client = new SFNClient({ region: "eu-central-1" });
  const sfn = mockClient(client);
  const requests = { describe: 0, list: 0, throttled: 0 };
  const buckets = new Map<keyof typeof QUOTAS, { tokens: number; at: number }>();
  const count = (action: keyof typeof QUOTAS): void => {
    const { bucket, perSecond } = QUOTAS[action];
    const { tokens, at } = buckets.get(action) ?? { tokens: bucket, at: clock.now() };
    const left = Math.min(bucket, tokens + ((clock.now() - at) / 1_000) * perSecond);
    buckets.set(action, { tokens: left < 1 ? left : left - 1, at: clock.now() });
    if (left >= 1) {
      requests[action]++;
      return;
    }
    requests.throttled++;
    throw Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" });
  };
  const dates = ({ startedAt, stoppedAt }: StoredExecution) => ({
    startDate: new Date(startedAt),
    ...(stoppedAt !== undefined && { stopDate: new Date(stoppedAt) }),
  });
  const byArn = new Map(executions.map((execution) => [`${arnPrefix}:${execution.name}`, execution]));
  const latestFirst = [...executions].sort((a, b) => b.startedAt - a.startedAt);

  sfn.on(DescribeExecutionCommand).callsFake(({ executionArn }: { executionArn: string }) => {
    count("describe");
    const execution = byArn.get(executionArn);
    if (execution === undefined) throw Object.assign(new Error("no"), { name: "ExecutionDoesNotExist" });
    return { executionArn, status: execution.status, input: "{}", ...dates(execution) };
  });
  sfn
    .on(ListExecutionsCommand)
    .callsFake((input: { statusFilter?: string; nextToken?: string; maxResults?: number }) => {
      count("list");
      const from = Number(input.nextToken ?? 0);
      const size = Math.min(input.maxResults ?? PAGE_SIZE.default, PAGE_SIZE.max);
      const matching = latestFirst.filter(({ status }) => status === input.statusFilter);
      const page = matching.slice(from, from + size);
      return {
        executions: page.map((execution) => ({
          executionArn: `${arnPrefix}:${execution.name}`,
          name: execution.name,
          status: execution.status,
          ...dates(execution),
        })),
        ...(from + size < matching.length && { nextToken: String(from + size) }),
      };
    });
  return { client, requests };
}
