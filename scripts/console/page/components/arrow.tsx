/** The head of a drawing's arrows. */
import type { JSX } from "preact";

/** @param id names it in the page: `marker-end="url(#arrow-timers)"` */
export function ArrowHead({ id }: { readonly id: string }): JSX.Element {
  return (
    <defs>
      <marker id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
        <path d="M0 .8 7 4 0 7.2z" class="arrow" />
      </marker>
    </defs>
  );
}
