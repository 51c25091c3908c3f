/** The views of exports and of one export. */
import type { JSX } from "preact";
import type { ExportRun, ExportView, Health, Query } from "../../contract";
import { ActionButton } from "../components/action";
import { Time } from "../components/clock";
import { Badge, Empty, Filter, Loaded, Panel } from "../components/parts";
import { size } from "../../../shared/terminal/progress";
import { counted, span, whole } from "../format";
import { useLive } from "../live";
import { href } from "../router";

const HEALTH: Readonly<Record<ExportRun["status"], Health>> = {
  RUNNING: "maintenance",
  SUCCEEDED: "up",
  FAILED: "down",
  TIMED_OUT: "down",
  ABORTED: "degraded",
};

/** `timed out` */
function textOf(status: ExportRun["status"]): string {
  return status.toLowerCase().replace("_", " ");
}

export function Exports({ query: { q = "" } }: { readonly query: Query }): JSX.Element {
  const live = useLive("exports");
  return (
    <Loaded live={live}>
      {({ exports, runs, unreadable }) => {
        const shown = exports.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
        return (
          <>
            <div class="tools">
              <Filter label="Export" name="q" value={q} />
              <span class="calm">{counted(exports.length, "export")}</span>
            </div>
            {shown.length === 0 ? (
              <Empty>
                {exports.length === 0 ? 'No table is exported: add it to "exports" in main.ts.' : "No export matches."}
              </Empty>
            ) : (
              <ul class="rows cards">
                {shown.map(({ name, table, kind, last }) => (
                  <li key={name}>
                    <div class="line">
                      <a href={href("exports", name)}>{name}</a>
                      <span class="detail">
                        {table}: {kind}
                      </span>
                      {last !== undefined && <Badge health={HEALTH[last.status]} text={textOf(last.status)} />}
                    </div>
                    {last !== undefined && <Time at={last.startedAt} />}
                    <ActionButton name="exports.run" values={{ export: name }} onDone={live.reload} />
                  </li>
                ))}
              </ul>
            )}
            <Panel title="Latest runs">
              <Runs
                runs={runs.filter((run) => shown.some(({ name }) => name === run.export))}
                unreadable={unreadable}
              />
            </Panel>
          </>
        );
      }}
    </Loaded>
  );
}

type RunsProps = Pick<ExportView, "runs" | "unreadable">;

function Runs({ runs, unreadable }: RunsProps): JSX.Element {
  if (runs.length + unreadable.length === 0) return <Empty>No run yet.</Empty>;
  return (
    <ul class="rows">
      {unreadable.map((run) => (
        <li key={run}>
          <div class="line">
            <Badge health="down" text="unreadable" />
            <span class="detail">{run}: its record was changed by hand, or by another version</span>
          </div>
        </li>
      ))}
      {runs.map((run) => {
        const { export: name, id, day, trigger, status, startedAt, finishedAt, items, bytes, location } = run;
        return (
          <li key={`${name} ${id}`}>
            <div class="line">
              <Badge health={HEALTH[status]} text={textOf(status)} />
              <a href={href("exports", name)}>{name}</a>
              <span class="detail">
                {day}, {trigger}
                {items !== undefined && `, ${counted(items, "item")}`}
                {bytes !== undefined && `, ${size(bytes)}`}
                {finishedAt !== undefined && `, took ${span(Date.parse(finishedAt) - Date.parse(startedAt))}`}
                {location !== undefined && `, ${location}`}
                {run.error !== undefined && ` ${run.error}`}
              </span>
            </div>
            <Time at={startedAt} />
          </li>
        );
      })}
    </ul>
  );
}

export function Export({ name }: { readonly name: string }): JSX.Element {
  const live = useLive("export", { name });
  return <Loaded live={live}>{(view) => <Details view={view} onDone={live.reload} />}</Loaded>;
}

function Details({ view, onDone }: { readonly view: ExportView; readonly onDone: () => void }): JSX.Element {
  const { name, table, kind, cursor } = view.export;
  return (
    <>
      <div class="state-line">
        {table}: {kind}
        {cursor !== undefined && (
          <span class="calm">
            the next window begins at <Time at={cursor} as="local" />
          </span>
        )}
        <span class="buttons">
          <ActionButton name="exports.run" values={{ export: name }} onDone={onDone} />
        </span>
      </div>
      {view.progress !== undefined && <Progress progress={view.progress} />}
      <Panel title="Runs">
        <Runs runs={view.runs} unreadable={view.unreadable} />
      </Panel>
      {view.manifest !== undefined && <Manifest manifest={view.manifest} />}
    </>
  );
}

function Progress({ progress }: { readonly progress: NonNullable<ExportView["progress"]> }): JSX.Element {
  const { items, tableItems, bytes, segments, segmentsDone } = progress;
  return (
    <Panel title="It runs">
      <progress
        aria-label="Segments that are exported"
        max={Math.max(1, tableItems ?? segments)}
        value={tableItems === null ? segmentsDone : Math.min(items, tableItems)}
      />
      <p class="calm">
        {counted(items, "item")}
        {tableItems !== null && ` of about ${whole(tableItems)}`}, {size(bytes)}, {segmentsDone} of{" "}
        {counted(segments, "segment")}
      </p>
    </Panel>
  );
}

function Manifest({ manifest }: { readonly manifest: NonNullable<ExportView["manifest"]> }): JSX.Element {
  const { uri, items, bytes, files, fileCount } = manifest;
  return (
    <Panel
      title="Manifest of the last finished run"
      aside={
        <span class="calm">
          {counted(items, "item")}, {size(bytes)}
        </span>
      }
    >
      <p class="detail">{uri}</p>
      <ul class="rows scrolling" tabIndex={0}>
        {files.map((file) => (
          <li key={file.key}>
            <div class="line">
              <span>{file.key}</span>
            </div>
            <span class="when">
              {counted(file.items, "item")}, {size(file.bytes)}
            </span>
          </li>
        ))}
      </ul>
      {fileCount > files.length && <p class="calm">and {whole(fileCount - files.length)} more</p>}
    </Panel>
  );
}
