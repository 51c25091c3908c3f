/**
 * The calls that Step Functions integrates, and for what they can wait.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
 */
import { statesIn, type Machine } from "./machine";
import { sdkFaults } from "./sdk-calls";

/** After a call's name: Step Functions waits for a job's end, or for a task token. */
type Waiting = "sync" | "sync:2" | "waitForTaskToken";

/** By the names of their actions. */
type Service = Readonly<Record<string, readonly Waiting[]>>;

const TOKEN = ["waitForTaskToken"] as const;

const SERVICES: Readonly<Record<string, Service>> = {
  apigateway: { invoke: TOKEN },
  athena: { ...jobs("startQueryExecution"), ...requests("getQueryExecution getQueryResults stopQueryExecution") },
  batch: jobs("submitJob"),
  bedrock: { ...jobs("createModelCustomizationJob"), invokeModel: TOKEN },
  codebuild: {
    ...jobs("retryBuild retryBuildBatch startBuild startBuildBatch"),
    ...requests("batchDeleteBuilds batchGetReports deleteBuildBatch stopBuild stopBuildBatch"),
  },
  databrew: jobs("startJobRun"),
  dynamodb: requests("deleteItem getItem putItem updateItem"),
  ecs: { runTask: ["sync", ...TOKEN] },
  eks: {
    ...jobs("createCluster createFargateProfile createNodegroup deleteCluster deleteFargateProfile deleteNodegroup"),
    call: TOKEN,
    runJob: ["sync", ...TOKEN],
  },
  elasticmapreduce: {
    ...jobs("addStep createCluster terminateCluster"),
    ...requests("cancelStep modifyInstanceFleetByName modifyInstanceGroupByName setClusterTerminationProtection"),
  },
  "emr-containers": { ...jobs("deleteVirtualCluster startJobRun"), ...requests("createVirtualCluster") },
  "emr-serverless": {
    ...jobs("createApplication deleteApplication startApplication startJobRun stopApplication"),
    ...requests("cancelJobRun"),
  },
  events: { putEvents: TOKEN },
  glue: jobs("startJobRun"),
  http: requests("invoke"),
  lambda: { invoke: TOKEN },
  mediaconvert: jobs("createJob"),
  sagemaker: {
    ...jobs(
      "createHyperParameterTuningJob createLabelingJob createProcessingJob createTrainingJob createTransformJob createAutoMLJob",
    ),
    ...requests("createEndpoint createEndpointConfig createModel updateEndpoint"),
  },
  sns: { publish: TOKEN },
  sqs: { sendMessage: TOKEN },
  states: { startExecution: ["sync", "sync:2", ...TOKEN] },
};

function jobs(actions: string): Service {
  return Object.fromEntries(actions.split(" ").map((action) => [action, ["sync"]]));
}

function requests(actions: string): Service {
  return Object.fromEntries(actions.split(" ").map((action) => [action, []]));
}

const CALL = /^arn:[^:]*:states:::(aws-sdk:)?([^:.]*):([^:.]*)(?:\.(.*))?$/;

/** Of an integrated call, a function or an activity. */
const ARN =
  /^arn:aws[\w-]*:(states:::(aws-sdk:)?[\w-]+:\w+(\.[\w:]+)?|lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?|states:[\w-]+:\d{12}:activity:[^:]{1,80})$/;

export function callFaults(resource: unknown): string[] {
  if (typeof resource === "string" && /^arn:[^$]*$/.test(resource) && !ARN.test(resource))
    return [`calls ${resource}, which is neither an integrated call nor the ARN of a function or an activity`];
  if (/:activity:.*\.(sync|waitForTaskToken)/.test(String(resource)))
    return [`waits for ${String(resource)}: an activity has no suffix`];
  const [, sdk, name = "", action = "", waiting] = CALL.exec(String(resource)) ?? [];
  if (name === "") return [];
  if (sdk !== undefined && !(/^[a-z]\w*$/.test(action) && /^[a-z\d]+$/.test(name)))
    return [`calls aws-sdk:${name}:${action}: services are in small letters, actions begin with one`];
  const waits = sdk === undefined ? SERVICES[name]?.[action] : TOKEN;
  if (waits === undefined)
    return [`calls ${name}:${action}, which Step Functions does not integrate: aws-sdk:${name}:${action} may exist`];
  if (sdk !== undefined) {
    const faults = sdkFaults(name, action);
    if (faults.length > 0) return faults;
  }
  const canWait = waiting === undefined || waits.some((each) => each === waiting);
  return canWait ? [] : [`waits with .${waiting} for ${sdk ?? ""}${name}:${action}, which cannot`];
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
