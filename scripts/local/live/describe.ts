/** Describes the events of the watcher of the sources. */
import type { Colors } from "picocolors/types";
import type { LiveEvent } from "./events";

/** Errors shown: the first one often explains the others. */
const SHOWN_ERRORS = 5;

export function describeLiveEvent(event: LiveEvent, colours: Colors): string {
  switch (event.kind) {
    case "watching":
      return colours.dim(`Watching the sources of ${event.functions} functions.`);
    case "live":
      return `${colours.green("live")} after ${event.seconds.toFixed(1)} s: ${event.functions.join(", ")}`;
    case "failed":
      return `${colours.red("not live:")}\n${indented(event.message)}`;
    case "stack":
      return `${event.files.join(", ")} changed. Press Enter to apply it.`;
    case "undone":
      return "The change was undone: nothing to apply.";
    case "types": {
      const { errors } = event;
      const more = errors.length > SHOWN_ERRORS ? [`and ${errors.length - SHOWN_ERRORS} more`] : [];
      return errors.length === 0
        ? colours.green("no type errors")
        : `${colours.yellow("type errors:")}\n${indented([...errors.slice(0, SHOWN_ERRORS), ...more].join("\n"))}`;
    }
    case "ended":
      return `${colours.red("The sources are not watched any more.")} Restart npm start.\n${indented(event.reason)}`;
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
