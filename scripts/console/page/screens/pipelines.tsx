/** The views of pipelines, of one pipeline, and of one message. */
import type { JSX } from "preact";
import type {
  DeadLetterView,
  Health,
  JourneyStep,
  MessageSummary,
  PipelineSummary,
  Query,
  SlackView,
} from "../../contract";
import { ActionButton } from "../components/action";
import { Time } from "../components/clock";
import { Badge, Code, Empty, Icon, Loaded, Panel, Tabs } from "../components/parts";
import { counted, pretty, whole } from "../format";
import { useLive } from "../live";
import { href } from "../router";

export function Pipelines(): JSX.Element {
  const live = useLive("pipelines");
  return (
    <Loaded live={live}>
      {({ pipelines }) => (
        <ul class="rows cards">
          {pipelines
            .toSorted((a, b) => b.deadLetters - a.deadLetters)
            .map((pipeline) => (
              <li key={pipeline.name}>
                <div class="line">
                  <a href={href("pipelines", pipeline.name)}>{pipeline.name}</a>
                  <Depths pipeline={pipeline} />
                </div>
                <ActionButton name="pipelines.send" values={{ pipeline: pipeline.name }} onDone={live.reload} />
              </li>
            ))}
        </ul>
      )}
    </Loaded>
  );
}

function Depths({ pipeline }: { readonly pipeline: PipelineSummary }): JSX.Element {
  const { name, queued, waiting, deadLetters, slack } = pipeline;
  return (
    <>
      {deadLetters > 0 && (
        <a href={`${href("pipelines", name)}?tab=dead`}>
          <Badge health="down" text={counted(deadLetters, "dead letter")} />
        </a>
      )}
      {waiting > 0 && <Badge health="degraded" text={`${whole(waiting)} waiting for Slack`} />}
      <span class="detail">
        {counted(queued, "message")} queued{slack !== "" && `, notifications by ${slack}`}
      </span>
    </>
  );
}

interface PipelineProps {
  readonly name: string;
  readonly query: Query;
}

export function Pipeline({ name, query: { tab = "messages" } }: PipelineProps): JSX.Element {
  const live = useLive("pipeline", { name, ...(tab === "dead" && { tab }) });
  return (
    <Loaded live={live}>
      {({ pipeline, messages, deadLetters }) => (
        <>
          <div class="state-line">
            <Depths pipeline={pipeline} />
            <span class="buttons">
              <ActionButton name="pipelines.send" values={{ pipeline: name }} onDone={live.reload} />
            </span>
          </div>
          <p class="detail">POST {pipeline.endpoint}</p>
          {pipeline.webhookUrl !== "" && <p class="detail">Webhook {pipeline.webhookUrl}</p>}
          <div class="tools">
            <Tabs
              label="What"
              name="tab"
              current={tab}
              tabs={[
                { value: "messages", label: "messages" },
                { value: "dead", label: "dead letters", count: pipeline.deadLetters },
              ]}
            />
          </div>
          {tab === "dead" ? (
            <DeadLetters pipeline={name} letters={deadLetters ?? []} onDone={live.reload} />
          ) : (
            <Messages pipeline={name} messages={messages} />
          )}
        </>
      )}
    </Loaded>
  );
}

function Messages({
  pipeline,
  messages,
}: {
  readonly pipeline: string;
  readonly messages: readonly MessageSummary[];
}): JSX.Element {
  if (messages.length === 0) return <Empty>No message of today or yesterday.</Empty>;
  return (
    <ul class="rows cards">
      {messages.map(({ key, version, receivedAt, summary }) => (
        <li key={key}>
          <div class="line">
            <a href={href("pipelines", pipeline, key)}>{key}</a>
            <span class="detail">
              {[`version ${version}`, ...Object.entries(summary).map(([label, value]) => `${label}: ${value}`)].join(
                " · ",
              )}
            </span>
          </div>
          <Time at={receivedAt} />
        </li>
      ))}
    </ul>
  );
}

interface DeadLettersProps {
  readonly pipeline: string;
  readonly letters: readonly DeadLetterView[];
  readonly onDone: () => void;
}

function DeadLetters({ pipeline, letters, onDone }: DeadLettersProps): JSX.Element {
  if (letters.length === 0)
    return (
      <Empty>
        <Icon health="up" /> There are none.
      </Empty>
    );
  return (
    <ul class="rows cards">
      {letters.map(({ id, kind, since, causes, body }) => (
        <li key={id}>
          <div class="line">
            <span>{kind}</span>
            <span class="detail">
              {causes.length === 0 ? "The log of the last hour has no cause." : causes.join(" ")}
            </span>
            <Code text={pretty(body)} label={`Body of ${id}`} />
            <a href={`/logs?id=${encodeURIComponent(id)}`}>log lines about {id}</a>
          </div>
          <Time at={since} />
          <span class="buttons">
            {kind === "message" && (
              <ActionButton name="pipelines.edit" values={{ pipeline, id, body }} onDone={onDone} />
            )}
            <ActionButton name="pipelines.redrive" values={{ pipeline, id }} onDone={onDone} />
          </span>
        </li>
      ))}
    </ul>
  );
}

const STEP_HEALTH: Readonly<Record<JourneyStep["state"], Health>> = {
  done: "up",
  waiting: "maintenance",
  failed: "down",
  none: "unknown",
  unknown: "unknown",
};

export function Message({ pipeline, message }: { readonly pipeline: string; readonly message: string }): JSX.Element {
  const live = useLive("message", { name: pipeline, key: message });
  return (
    <Loaded live={live}>
      {({ steps, data, slack }) => (
        <>
          <ol class="journey" aria-label="From the ingress to Slack">
            {steps.map(({ name, state, at, detail }) => (
              <li key={name} class={STEP_HEALTH[state]}>
                <Icon health={STEP_HEALTH[state]} label={`${state}:`} />
                <div>
                  <b>{name}</b>
                  <p class="detail">{detail}</p>
                  {at !== undefined && <Time at={at} />}
                </div>
              </li>
            ))}
          </ol>
          <div class="columns">
            {data !== undefined && (
              <Panel title="As it was sent">
                <Code text={pretty(data)} label="The message" />
                <ActionButton name="pipelines.send" values={{ pipeline, message: data }} onDone={live.reload} />
              </Panel>
            )}
            {slack !== undefined && (
              <Panel title="As Slack shows it">
                <Slack slack={slack} />
              </Panel>
            )}
          </div>
        </>
      )}
    </Loaded>
  );
}

/** Text is plain text in Slack, too: the blocks have no markup. */
function Slack({ slack: { blocks } }: { readonly slack: SlackView }): JSX.Element {
  return (
    <div class="slack">
      {blocks.map((block, index) =>
        block.type !== "section" ? (
          <p key={index} class={block.type === "context" ? "detail" : ""}>
            {block.type === "header" ? <b>{block.texts.join(" ")}</b> : block.texts.join(" ")}
          </p>
        ) : (
          <div key={index}>
            {block.texts.map((text) => (
              <p key={text}>{text}</p>
            ))}
            <ul class="slack-fields">
              {block.fields.map((field) => (
                <li key={field}>{field}</li>
              ))}
            </ul>
          </div>
        ),
      )}
    </div>
  );
}
