/** Executes actions, as the commands of the same name do. */
import { InvokeCommand } from "@aws-sdk/client-lambda";
import * as z from "zod";
import type { OneshotInput, PeriodicInput } from "../../../clients/timers";
import { startExecution } from "../../../functions/exports/run/executions";
import { systemClock } from "../../../functions/shared/clock";
import { parseJson } from "../../../functions/shared/input";
import { isoSeconds } from "../../../functions/shared/time";
import { taskRequestSchema } from "../../../functions/workflows/contract";
import { hasExactNumbers, INEXACT } from "../../../functions/workflows/task/json";
import { cancelTask, startTask } from "../../../functions/workflows/task/lifecycle";
import { notificationsOf } from "../readers/pipelines";
import type { Environment, Source } from "../readers/source";
import { timersClient, type TimersReader } from "../readers/timers";
import { taskPorts } from "../readers/workflows";
import { redriveDeadLetters } from "../../features/redrive/dead-letters";
import { listDeadLetters } from "../../features/pipelines/dead-letters";
import { redrivePipeline } from "../../features/pipelines/redrive";
import { redriveTools } from "../../features/pipelines/redrive-tools";
import { outputsOf, pipelineOf, type DeployedPipeline } from "../../shared/feature-outputs";
import { isFields } from "../../shared/fields";
import { ingressClient } from "../../shared/ingress-client";
import { RequestError, type Action } from "../server/server";
import type { ActionName, ActionResult, Actions } from "./definitions";

const id = z.string().min(1).max(256);
const kind = z.enum(["periodic", "oneshot"]);

/** A viewer repeats a message, and does not run a load test. */
const MOST_TIMES = 100;

const SCHEMAS: { readonly [Name in ActionName]: z.ZodType<Actions[Name]> } = {
  "heartbeats.check": z.strictObject({}),
  "timers.put": z.strictObject({ kind, id, body: z.string() }),
  "timers.delete": z.strictObject({ kind, id }),
  "exports.run": z.strictObject({ export: id, day: z.union([z.literal(""), z.iso.date()]), force: z.boolean() }),
  "pipelines.send": z.strictObject({ pipeline: id, body: z.string(), times: z.int().min(1).max(MOST_TIMES) }),
  "pipelines.redrive": z.strictObject({ pipeline: id, id }),
  "pipelines.replace": z.strictObject({ pipeline: id, id, body: z.string() }),
  "workflows.start": z.strictObject({ taskId: id, input: z.string() }),
  "workflows.cancel": z.strictObject({ taskId: id }),
};

type Executors = {
  readonly [Name in ActionName]: (input: Actions[Name], environment: Environment) => Promise<ActionResult>;
};

export function actionsOf(source: Source, timers: TimersReader): Readonly<Record<string, Action>> {
  const executors: Executors = {
    "heartbeats.check": (_, environment) => checkNow(environment),
    "timers.put": async (input, environment) => {
      const result = await putTimer(input, environment);
      timers.forget();
      return result;
    },
    "timers.delete": async (input, environment) => {
      await timersClient(environment)[input.kind].delete(input.id);
      timers.forget();
      return { message: `${input.id} is deleted.`, href: "/timers" };
    },
    "exports.run": runExport,
    "pipelines.send": sendMessages,
    "pipelines.redrive": redrive,
    "pipelines.replace": replace,
    "workflows.start": start,
    "workflows.cancel": async ({ taskId }, environment) => {
      const { status } = await cancelTask(taskId, { ...taskPorts(environment), clock: systemClock });
      return { message: `${taskId} is ${status}.`, href: `/workflows/${encodeURIComponent(taskId)}` };
    },
  };
  const names = Object.keys(SCHEMAS) as ActionName[];
  return Object.fromEntries(
    names.map((name): [ActionName, Action] => [
      name,
      async (input) => execute(executors, name, input, await source.environment()),
    ]),
  );
}

function execute<Name extends ActionName>(
  executors: { readonly [Each in Name]: (input: Actions[Each], environment: Environment) => Promise<ActionResult> },
  name: Name,
  input: unknown,
  environment: Environment,
): Promise<ActionResult> {
  const schema: z.ZodType<Actions[Name]> = SCHEMAS[name];
  return executors[name](schema.parse(input), environment);
}

async function checkNow(environment: Environment): Promise<ActionResult> {
  const { check_function_name: FunctionName } = outputsOf("heartbeats", environment);
  const time = isoSeconds(systemClock.now());
  // As the schedule's own event, which the checker parses.
  const event = {
    ...{ version: "0", id: crypto.randomUUID(), account: "000000000000", region: environment.aws.region },
    ...{ "detail-type": "Scheduled Event", source: "almanac.console", time, resources: [], detail: {} },
  };
  const Payload = Buffer.from(JSON.stringify(event));
  const { FunctionError } = await environment.lambda.send(new InvokeCommand({ FunctionName, Payload }));
  if (FunctionError !== undefined) throw new RequestError(409, `${FunctionName} failed: see its log lines.`);
  return { message: "All targets were checked.", href: "/heartbeats" };
}

async function putTimer(
  { kind: of, id: name, body }: Actions["timers.put"],
  environment: Environment,
): Promise<ActionResult> {
  // The API validates the fields, and says which is wrong.
  const client = timersClient(environment);
  if (of === "oneshot") await client.oneshot.put(name, oneshotBody.parse(jsonOf(body)));
  else await client.periodic.put(name, periodicBody.parse(jsonOf(body)));
  return { message: `${name} is set.`, href: `/timers/${of}/${encodeURIComponent(name)}` };
}

const oneshotBody = z.custom<OneshotInput>(isFields, "The body is not an object");
const periodicBody = z.custom<PeriodicInput>(isFields, "The body is not an object");

function jsonOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new RequestError(400, "The body is not JSON.");
  }
}

async function runExport(
  { export: name, day, force }: Actions["exports.run"],
  environment: Environment,
): Promise<ActionResult> {
  const { state_machine_arn } = outputsOf("exports", environment);
  const request = { export: name, force, ...(day !== "" && { day }) };
  await startExecution(environment.sfn, state_machine_arn, `${name}-${systemClock.now().toString(36)}`, request);
  return { message: `${name} has started.`, href: `/exports/${encodeURIComponent(name)}` };
}

async function sendMessages(
  { pipeline: name, body, times }: Actions["pipelines.send"],
  environment: Environment,
): Promise<ActionResult> {
  const { endpoint } = pipelineOf(environment.name, name, environment);
  const post = ingressClient(endpoint, environment.aws);
  let key = "";
  for (let sent = 0; sent < times; sent += 1) {
    const { status, text } = await post(body);
    if (status !== 202) throw new RequestError(400, `${sent} sent, then ${name} answered ${status}: ${text}`);
    key = z.looseObject({ key: z.string() }).safeParse(parseJson(text)).data?.key ?? "";
  }
  return {
    message: times === 1 ? `${name} has accepted message ${key}.` : `${name} has accepted ${times} messages.`,
    href: `/pipelines/${name}/${encodeURIComponent(key)}`,
  };
}

async function redrive(
  { pipeline: name, id: letterId }: Actions["pipelines.redrive"],
  environment: Environment,
): Promise<ActionResult> {
  const pipeline = pipelineOf(environment.name, name, environment);
  const href = `/pipelines/${name}?tab=dead`;
  const letter = await findLetter(pipeline, letterId, environment);
  if (letter.kind === "notification") {
    await notificationsOf(pipeline, environment)?.table.restore(pipeline.slackParameter, letterId);
    return { message: "The notification is in its queue again.", href };
  }
  const { left, lines } = await redriven((onProgress) =>
    redrivePipeline({ ...redriveTools(pipeline, environment.aws), onProgress, only: letterId }),
  );
  if (left > 0) throw new RequestError(409, `It stays a dead letter: ${lines}`);
  return { message: "It was sent back.", href };
}

async function replace(
  { pipeline: name, id: letterId, body }: Actions["pipelines.replace"],
  environment: Environment,
): Promise<ActionResult> {
  const pipeline = pipelineOf(environment.name, name, environment);
  const post = ingressClient(pipeline.endpoint, environment.aws);
  const send = async (): Promise<void> => {
    const { status, text } = await post(body);
    if (status !== 202) throw new RequestError(400, `${name} answered ${status}: ${text}`);
  };
  const { sqs } = environment;
  const { sent, left, lines } = await redriven((onProgress) =>
    redriveDeadLetters(pipeline.deadLetterQueueUrl, () => ({ to: "the ingress", send, continueOnError: true }), {
      ...{ sqs, now: Date.now, only: letterId },
      onProgress,
    }),
  );
  if (left > 0) throw new RequestError(409, lines);
  if (sent === 0) throw new RequestError(404, `${name} has no dead letter ${letterId}.`);
  return { message: "The edited message was sent, and the dead letter is gone.", href: `/pipelines/${name}?tab=dead` };
}

async function redriven(
  run: (onProgress: (line: string) => void) => Promise<{ readonly sent: number; readonly left: number }>,
): Promise<{ readonly sent: number; readonly left: number; readonly lines: string }> {
  const lines: string[] = [];
  const done = await run((line) => lines.push(line));
  return { ...done, lines: lines.join("\n") };
}

async function findLetter(pipeline: DeployedPipeline, letterId: string, environment: Environment) {
  const { deadLetterQueueUrl } = pipeline;
  const notifications = notificationsOf(pipeline, environment);
  const letters = await listDeadLetters({ sqs: environment.sqs, deadLetterQueueUrl, notifications });
  const letter = letters.find((each) => each.id === letterId);
  if (letter === undefined) throw new RequestError(404, `${pipeline.name} has no dead letter ${letterId}.`);
  return letter;
}

async function start({ taskId, input }: Actions["workflows.start"], environment: Environment): Promise<ActionResult> {
  let parsed: unknown;
  try {
    parsed = input.trim() === "" ? undefined : parseJson(input);
  } catch {
    throw new RequestError(400, "The input is not JSON.");
  }
  if (input.trim() !== "" && !hasExactNumbers(input)) throw new RequestError(400, `The input ${INEXACT}`);
  const request = taskRequestSchema.parse({ taskId, ...(parsed !== undefined && { input: parsed }) });
  await startTask(request, { ...taskPorts(environment), clock: systemClock });
  return { message: `${taskId} has started.`, href: `/workflows/${encodeURIComponent(taskId)}` };
}
