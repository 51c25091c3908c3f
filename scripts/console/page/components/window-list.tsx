/** A long list of which only the visible rows are in the document. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface WindowListProps<Row> {
  readonly label: string;
  readonly columns: readonly string[];
  readonly total: number;
  /** Rows from `from` on. */
  readonly from: number;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Its cells. */
  readonly children: (row: Row) => readonly ComponentChildren[];
  /** Called when rows are needed that are not there. */
  readonly onNeed: (from: number) => void;
}

const ROW_HEIGHT = 45;
/** Rows above and below those that show. */
const OVERSCAN = 12;
/** Windows begin at multiples: scrolling a little asks for nothing. */
const STEP = 50;
const LARGEST_HEIGHT = 640;

/** A list of any length: only the rows that show are in the document. */
export function WindowList<Row>(props: WindowListProps<Row>): JSX.Element {
  const { label, columns, total, from, rows, keyOf, children, onNeed } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - OVERSCAN);
  const last = Math.min(total, Math.ceil((top + LARGEST_HEIGHT) / ROW_HEIGHT) + OVERSCAN);
  const isMissing = first < from || last > from + rows.length;
  useEffect(() => {
    if (isMissing) onNeed(Math.max(0, Math.floor(first / STEP) * STEP - STEP));
  }, [isMissing, Math.floor(first / STEP), total]);
  return (
    <div class="window-list" role="table" aria-label={label} aria-rowcount={total + 1}>
      <div role="rowgroup">
        <div class="row heading" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <span role="columnheader" key={column}>
              {column}
            </span>
          ))}
        </div>
      </div>
      <div
        class="window"
        role="rowgroup"
        tabIndex={0}
        aria-label={`${label}, rows`}
        ref={box}
        style={{ maxHeight: `${LARGEST_HEIGHT}px` }}
        onScroll={({ currentTarget }) => {
          setTop(currentTarget.scrollTop);
        }}
      >
        <div class="spacer" role="presentation" style={{ height: `${total * ROW_HEIGHT}px` }}>
          {Array.from({ length: last - first }, (_, offset) => {
            const index = first + offset;
            const row = rows[index - from];
            return (
              <div
                class={row === undefined ? "row waiting" : "row"}
                role="row"
                aria-rowindex={index + 2}
                key={row === undefined ? index : keyOf(row)}
                style={{ transform: `translateY(${index * ROW_HEIGHT}px)` }}
              >
                {row === undefined
                  ? columns.map((column) => <span role="cell" key={column} />)
                  : children(row).map((cell, column) => (
                      <span role="cell" key={columns[column]} data-label={columns[column]}>
                        {cell}
                      </span>
                    ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
