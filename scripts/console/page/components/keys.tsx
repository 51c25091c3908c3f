/** Keyboard shortcuts and their help. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { go, href } from "../router";

/** Letters that follow `g`. */
function placesOf(features: readonly string[]): Readonly<Partial<Record<string, string>>> {
  // Schedules and search begin with the same letter: `c` is its second.
  return { o: "", ...Object.fromEntries(features.map((name) => [name === "schedules" ? "c" : name.charAt(0), name])) };
}

/** A `g` counts for this long. */
const PREFIX_MS = 1_500;

/** Shortcuts of the whole page. Typing into a field is typing. */
export function useKeys(features: readonly string[], setHelp: (open: boolean) => void): void {
  const prefixAt = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select") !== null;
      if (isTyping || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
      const place = placesOf(features)[event.key];
      if (event.key === "?") setHelp(true);
      else if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
      } else if (event.key === "g") prefixAt.current = Date.now();
      else if (place !== undefined && Date.now() - prefixAt.current < PREFIX_MS) go(place === "" ? "/" : href(place));
    };
    document.addEventListener("keydown", press);
    return () => {
      document.removeEventListener("keydown", press);
    };
  }, [features, setHelp]);
}

interface HelpProps {
  readonly features: readonly string[];
  readonly onClose: () => void;
}

export function Help({ features, onClose }: HelpProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const keys = [
    ["?", "this help"],
    ["/", "the search"],
    ...Object.entries(placesOf(features)).map(([key, name]) => [`g ${key}`, name === "" ? "overview" : name]),
    ["Esc", "close"],
  ];
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="help-title">
      <h2 id="help-title">Keyboard</h2>
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
