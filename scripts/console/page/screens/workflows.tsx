/** The views of workflows' tasks, and of one task with its state machine. */
import type { JSX } from "preact";
import { TASK_TABS, type Health, type Query, type TaskTab, type TaskView } from "../../contract";
import { ActionButton } from "../components/action";
import { Time } from "../components/clock";
import { Machine } from "../components/machine";
import { Badge, Code, Empty, Filter, Loaded, Panel, TabRow, Tabs } from "../components/parts";
import { pretty } from "../format";
import { useLive } from "../live";
import { filter, href } from "../router";

const HEALTH: Readonly<Record<TaskTab, Health>> = {
  STARTED: "maintenance",
  DONE: "up",
  FAILED: "down",
  TIMED_OUT: "down",
  ABORTED: "degraded",
};

const LABELS: Readonly<Record<TaskTab, string>> = {
  STARTED: "started",
  DONE: "done",
  FAILED: "failed",
  TIMED_OUT: "timed out",
  ABORTED: "aborted",
};

export function Workflows({ query }: { readonly query: Query }): JSX.Element {
  const { q = "", status, workflow } = query;
  const live = useLive("tasks", {
    ...(q !== "" && { q }),
    ...(status !== undefined && { status }),
    ...(workflow !== undefined && { workflow }),
  });
  return (
    <Loaded live={live}>
      {(view) => {
        const [first] = view.tasks;
        const current = status ?? first?.status ?? "STARTED";
        return (
          <>
            <div class="tools">
              {view.workflows.length > 1 && (
                <Tabs
                  label="Workflow"
                  name="workflow"
                  current={view.workflow}
                  tabs={view.workflows.map((value) => ({ value, label: value }))}
                />
              )}
              <TabRow label="Status" current={current}>
                {TASK_TABS.map((value) => (
                  <button
                    type="button"
                    key={value}
                    aria-pressed={value === current}
                    onClick={() => {
                      filter({ status: value });
                    }}
                  >
                    {LABELS[value]}{" "}
                    <span class="count">
                      {view.counts[value].count}
                      {view.counts[value].isMore && "+"}
                    </span>
                  </button>
                ))}
              </TabRow>
              <Filter label="Id" name="q" value={q} />
              <ActionButton name="workflows.start" values={{ workflow: view.workflow }} onDone={live.reload} />
            </div>
            {view.tasks.length === 0 ? (
              <Empty>
                {q === ""
                  ? `No task of ${view.workflow} is ${LABELS[current as TaskTab]}. Start one: npx almanac workflows start order-1`
                  : "No task matches."}
              </Empty>
            ) : (
              <ul class="rows cards">
                {view.tasks.map((task) => (
                  <li key={task.taskId}>
                    <div class="line">
                      <a href={href("workflows", task.workflow, task.taskId)}>{task.taskId}</a>
                      <Badge health={HEALTH[task.status]} text={LABELS[task.status]} />
                      {task.reason !== undefined && <span class="detail">{task.reason}</span>}
                    </div>
                    <Time at={task.endedAt ?? task.startedAt} />
                  </li>
                ))}
              </ul>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

export function Task({ workflow, id }: { readonly workflow: string; readonly id: string }): JSX.Element {
  const live = useLive("task", { workflow, id });
  return <Loaded live={live}>{(view) => <Details view={view} onDone={live.reload} />}</Loaded>;
}

function ApprovalLine({ approval }: { readonly approval: TaskView["approvals"][number] }): JSX.Element {
  const { state, requestedAt, decision, decidedAt, decidedBy, comment } = approval;
  return (
    <div class="line">
      <b>{state}</b>
      {decision === undefined ? (
        <span class="detail">
          requested <Time at={requestedAt} />
        </span>
      ) : (
        <>
          <Badge health={decision === "approved" ? "up" : "down"} text={decision} />
          <span class="detail">
            {decidedAt !== undefined && <Time at={decidedAt} />} {decidedBy !== undefined && `by ${decidedBy}`}{" "}
            {comment}
          </span>
        </>
      )}
    </div>
  );
}

function Details({ view, onDone }: { readonly view: TaskView; readonly onDone: () => void }): JSX.Element {
  const { task, history, input, result, machine, executionArn, approvals } = view;
  const values = { workflow: task.workflow, task: task.taskId };
  return (
    <>
      <div class="state-line">
        <Badge health={HEALTH[task.status]} text={LABELS[task.status]} /> {task.workflow}
        {task.reason !== undefined && <span class="detail">{task.reason}</span>}
        <span class="buttons">
          {task.status === "STARTED" && <ActionButton name="workflows.cancel" values={values} onDone={onDone} />}
          {view.canRedrive && <ActionButton name="workflows.redrive" values={values} onDone={onDone} />}
        </span>
      </div>
      {approvals.length > 0 && (
        <Panel title="Approvals">
          <ul class="rows">
            {approvals.map((approval) => (
              <li key={`${approval.state} ${approval.requestedAt}`}>
                <ApprovalLine approval={approval} />
                {approval.decision === undefined && task.status === "STARTED" && (
                  <span class="buttons">
                    {(["workflows.approve", "workflows.reject"] as const).map((name) => (
                      <ActionButton
                        key={name}
                        name={name}
                        values={{ ...values, state: approval.state, requestedAt: approval.requestedAt }}
                        onDone={onDone}
                      />
                    ))}
                  </span>
                )}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel title="Its state machine">
        <Machine machine={machine} />
      </Panel>
      <div class="columns">
        <Panel title="History">
          <ol class="rows">
            {history.map(({ status, at, reason }) => (
              <li key={`${status} ${at}`}>
                <div class="line">
                  <span>{status}</span>
                  {reason !== undefined && <span class="detail">{reason}</span>}
                </div>
                <Time at={at} as="local" />
              </li>
            ))}
          </ol>
          <p class="detail">{executionArn}</p>
          <p>
            <a href={`/logs?id=${encodeURIComponent(task.taskId)}`}>log lines about it</a>
          </p>
        </Panel>
        <Panel title="Input and result">
          {input === undefined ? (
            <Empty>Step Functions has forgotten its input.</Empty>
          ) : (
            <Code text={pretty(input)} label="Input" />
          )}
          {result !== undefined && <Code text={pretty(result)} label="Result" />}
        </Panel>
      </div>
    </>
  );
}
