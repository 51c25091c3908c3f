/** Log lines of any function, or about one id, live. */
import type { JSX } from "preact";
import { LOG_LEVELS, type Health, type LogLine, type Query } from "../../contract";
import { Time } from "../components/clock";
import { Badge, Empty, Filter, Loaded, Tabs } from "../components/parts";
import { counted } from "../format";
import { useLive } from "../live";
import { filter } from "../router";

const HEALTH: Readonly<Record<LogLine["level"], Health>> = {
  error: "down",
  warn: "degraded",
  info: "up",
  debug: "unknown",
  "": "unknown",
};

/** The field with the invocation's id. */
const REQUEST = "function_request_id";

export function Logs({ query }: { readonly query: Query }): JSX.Element {
  const { name = "", level = "all", q = "", id = "" } = query;
  const live = useLive("logs", {
    ...(name !== "" && { name }),
    ...(level !== "all" && { level }),
    ...(q !== "" && { q }),
    ...(id !== "" && { id }),
  });
  return (
    <Loaded live={live}>
      {({ lines, omitted, functions, since }) => (
        <>
          <div class="tools">
            <label>
              <span class="hidden">Function</span>
              <select
                value={name}
                onInput={({ currentTarget }) => {
                  filter({ name: currentTarget.value });
                }}
              >
                <option value="">all functions</option>
                {[...new Set(functions.map(({ feature }) => feature))].map((feature) => (
                  <option key={feature} value={feature}>
                    all of {feature}
                  </option>
                ))}
                {functions.map((each) => (
                  <option key={each.name} value={each.name}>
                    {each.name}
                  </option>
                ))}
              </select>
            </label>
            <Tabs
              label="Level"
              name="level"
              current={level}
              tabs={["all", ...LOG_LEVELS.filter((each) => each !== "debug")].map((value) => ({
                value,
                label: value === "all" ? value : `${value} or worse`,
              }))}
            />
            <Filter label="Text" name="q" value={q} />
            <Filter label="Id of anything" name="id" value={id} />
            <span class="calm">
              since <Time at={since} as="local" />
            </span>
          </div>
          {lines.length === 0 ? (
            <Empty>No line matches.</Empty>
          ) : (
            <>
              {omitted > 0 && <p class="calm">{counted(omitted, "older line")} left out.</p>}
              <ol class="rows log" aria-label="Log lines, the latest first">
                {lines.toReversed().map((line) => (
                  <Line key={line.key} line={line} />
                ))}
              </ol>
            </>
          )}
        </>
      )}
    </Loaded>
  );
}

function Line({ line: { at, functionName, level, text, fields } }: { readonly line: LogLine }): JSX.Element {
  return (
    <li>
      <Time at={at} as="local" />
      <div class="line">
        <a href={`/logs?name=${encodeURIComponent(functionName)}`}>{functionName}</a>
        {level !== "" && level !== "info" && <Badge health={HEALTH[level]} text={level} />}
        <span class="text">{text}</span>
        {fields.map(([field, value]) =>
          field === REQUEST ? (
            <a key={field} class="detail" href={`/logs?id=${encodeURIComponent(value)}`}>
              its invocation
            </a>
          ) : (
            <span key={field} class="detail">
              {field}={value}
            </span>
          ),
        )}
      </div>
    </li>
  );
}
