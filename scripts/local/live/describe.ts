/** Describes what the watcher of the sources says. */
import type { Colors } from "picocolors/types";
import type { LiveEvent } from "./events";

/** Errors shown: the first one often explains the others. */
const SHOWN_ERRORS = 5;

/** Undefined: nothing to say. */
export function describeLiveEvent(event: LiveEvent, colours: Colors): string | undefined {
  switch (event.kind) {
    case "watching":
      return colours.dim(`Watching the sources of ${event.functions} functions.`);
    case "live":
      return `${colours.green("live")} after ${event.seconds.toFixed(1)} s: ${event.functions.join(", ")}`;
    case "failed":
      return `${colours.red("not live:")}\n${indented(event.message)}`;
    case "stack":
      return `${event.files.join(", ")} changed. Press Enter to apply it.`;
    case "types": {
      const { errors } = event;
      const more = errors.length > SHOWN_ERRORS ? [`and ${errors.length - SHOWN_ERRORS} more`] : [];
      return errors.length === 0
        ? undefined
        : `${colours.yellow("type errors:")}\n${indented([...errors.slice(0, SHOWN_ERRORS), ...more].join("\n"))}`;
    }
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
