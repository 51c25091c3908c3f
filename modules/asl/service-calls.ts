/**
 * The calls that Step Functions integrates, and for what they can wait.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
 */
import { statesIn, type Machine } from "./machine";

/** After a call's name: Step Functions waits for a job's end, or for a task token. */
type Waiting = "sync" | "sync:2" | "waitForTaskToken";

interface Service {
  /** @default those that the service has */
  readonly actions?: readonly string[];
  readonly waits: readonly Waiting[];
}

const JOBS: Service = { waits: ["sync"] };
const TOKEN = ["waitForTaskToken"] as const;

const SERVICES: Readonly<Record<string, Service>> = {
  apigateway: { actions: ["invoke"], waits: TOKEN },
  athena: JOBS,
  batch: { actions: ["submitJob"], waits: ["sync"] },
  bedrock: { actions: ["createModelCustomizationJob", "invokeModel"], waits: ["sync", "waitForTaskToken"] },
  codebuild: JOBS,
  databrew: { actions: ["startJobRun"], waits: ["sync"] },
  dynamodb: { actions: ["deleteItem", "getItem", "putItem", "updateItem"], waits: [] },
  ecs: { actions: ["runTask"], waits: ["sync", "waitForTaskToken"] },
  eks: { waits: ["sync", "waitForTaskToken"] },
  elasticmapreduce: JOBS,
  "emr-containers": JOBS,
  "emr-serverless": JOBS,
  events: { actions: ["putEvents"], waits: TOKEN },
  glue: { actions: ["startJobRun"], waits: ["sync"] },
  http: { actions: ["invoke"], waits: [] },
  lambda: { actions: ["invoke"], waits: TOKEN },
  mediaconvert: JOBS,
  sagemaker: JOBS,
  sns: { actions: ["publish"], waits: TOKEN },
  sqs: { actions: ["sendMessage"], waits: TOKEN },
  states: { actions: ["startExecution"], waits: ["sync", "sync:2", "waitForTaskToken"] },
};
const SDK: Service = { waits: TOKEN };

const CALL = /^arn:[^:]*:states:::(aws-sdk:)?([^:.]*):([^:.]*)(?:\.(.*))?$/;

/** Of an integrated call, a function or an activity. */
const ARN = /^arn:[^:]*:(states:::|lambda:[^:]*:[^:]*:function:|states:[^:]*:[^:]*:activity:)/;

export function callFaults(resource: unknown): string[] {
  if (typeof resource === "string" && /^arn:[^$]*$/.test(resource) && !ARN.test(resource))
    return [`calls ${resource}, which is neither a function nor an activity`];
  const [, sdk, name = "", action = "", waiting] = CALL.exec(String(resource)) ?? [];
  if (name === "") return [];
  const service = sdk === undefined ? SERVICES[name] : SDK;
  if (sdk !== undefined && !(/^[a-z]/.test(action) && /^[a-z\d]+$/.test(name)))
    return [`calls aws-sdk:${name}:${action}: services are in small letters, actions begin with one`];
  if (service === undefined || service.actions?.includes(action) === false)
    return [`calls ${name}:${action}, which Step Functions does not integrate: aws-sdk:${name}:${action} may exist`];
  const waits = waiting === undefined || service.waits.some((each) => each === waiting);
  return waits ? [] : [`waits with .${waiting} for ${sdk ?? ""}${name}:${action}, which cannot`];
}

/** An execution of type EXPRESS ends after five minutes. */
const EXPRESS_SECONDS = 300;

/** Executions of type EXPRESS cannot wait long, for jobs and tokens, or for activities, and have no distributed maps. */
export function expressFaults(machine: Machine): string[] {
  return statesIn(machine).flatMap(([name, { Resource = "", Seconds, ItemProcessor }]) => [
    ...(/\.(sync|waitForTaskToken)|:activity:/.test(Resource) ||
    (typeof Seconds === "number" && Seconds > EXPRESS_SECONDS)
      ? [`has EXPRESS executions, in which ${name} cannot wait`]
      : []),
    ...(ItemProcessor?.ProcessorConfig?.Mode === "DISTRIBUTED"
      ? [`has EXPRESS executions, in which ${name} cannot be a distributed map`]
      : []),
  ]);
}
