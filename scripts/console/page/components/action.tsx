/** An action: a button, and a dialog with the command that it runs. */
import { createContext, type JSX } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { actionOf, callOf, commandLine, type ActionField, type ActionName, type Values } from "../../actions/actions";
import type { ActionResult, Health } from "../../contract";
import { Environment } from "../live";
import { runAction } from "../server";
import { Badge, Code } from "./parts";

interface ActionProps {
  readonly name: ActionName;
  /** Those that the page knows, and what fields begin with. */
  readonly values?: Values;
  /** Called when it has run: the view shows its effect. */
  readonly onDone: () => void;
}

/** Opens an action's dialog. It is the page's, because a view that shows the effect may no longer have the button. */
export const OpenAction = createContext<(action: ActionProps) => void>(() => undefined);

/** Runs nothing before the viewer has seen the command. A console that only reads shows the command alone. */
export function ActionButton(action: ActionProps): JSX.Element {
  const open = useContext(OpenAction);
  return (
    <button
      type="button"
      onClick={() => {
        open(action);
      }}
    >
      {actionOf(action.name).title}
    </button>
  );
}

type Outcome = ActionResult | "running" | undefined;

interface DialogProps {
  readonly action: ActionProps;
  readonly onClose: () => void;
}

export function ActionDialog({ action: { name, values: given = {}, onDone }, onClose }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const environment = useContext(Environment);
  const { title, fields = [] } = actionOf(name);
  const initial = Object.fromEntries(fields.map((field) => [field.name, field.initial ?? ""]));
  const [values, setValues] = useState<Values>({ ...initial, ...given });
  const [outcome, setOutcome] = useState<Outcome>();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  // Not the state: a second press may come before the page is drawn again.
  const isRunning = useRef(false);
  const run = async (): Promise<void> => {
    if (isRunning.current) return;
    isRunning.current = true;
    setOutcome("running");
    try {
      setOutcome(await runAction(name, values));
      onDone();
    } catch (error) {
      setOutcome({ ok: false, output: error instanceof Error ? error.message : String(error) });
    } finally {
      isRunning.current = false;
    }
  };
  const canWrite = environment?.canWrite === true;
  return (
    <dialog ref={dialog} class="action" onClose={onClose} aria-labelledby="action-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <h2 id="action-title">{title}</h2>
        <div class="fields">
          {fields.map((field) => (
            <Field
              key={field.name}
              field={field}
              value={values[field.name] ?? ""}
              onInput={(value) => {
                setValues({ ...values, [field.name]: value });
              }}
            />
          ))}
        </div>
        <p class="calm">
          {canWrite ? "It runs this command:" : "This console only reads (start it with --write). The command is:"}
        </p>
        <Code text={commandLine(callOf(name, values), environment?.where ?? {})} label="Command" />
        <div aria-live="polite">
          {outcome === "running" && <p class="calm">It runs…</p>}
          {typeof outcome === "object" && (
            <>
              <p>
                <Badge {...badgeOf(outcome)} />
              </p>
              {outcome.output !== "" && <Code text={outcome.output} label="Output of the command" />}
            </>
          )}
        </div>
        <p class="buttons">
          {canWrite && (
            // Not disabled, which would take the focus away: a second press does nothing.
            <button type="submit" class="primary" aria-disabled={outcome === "running"}>
              {title}
            </button>
          )}
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </p>
      </form>
    </dialog>
  );
}

function badgeOf({ ok, isRunning }: ActionResult): { readonly health: Health; readonly text: string } {
  if (isRunning === true) return { health: "unknown", text: "still running" };
  return ok ? { health: "up", text: "done" } : { health: "down", text: "failed" };
}

interface FieldProps {
  readonly field: ActionField;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function Field({ field, value, onInput }: FieldProps): JSX.Element {
  const { label, isJson = false, isOptional = false, choices } = field;
  const shared = { value, required: !isOptional, autocomplete: "off" };
  const input = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }) => {
    onInput(currentTarget.value);
  };
  return (
    <label class={isJson ? "field wide" : "field"}>
      <span>
        {label}
        {isOptional && <span class="calm"> (optional)</span>}
      </span>
      {choices !== undefined ? (
        <select value={value} onInput={input}>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : isJson ? (
        <textarea rows={5} spellcheck={false} onInput={input} {...shared} />
      ) : (
        <input type="text" spellcheck={false} onInput={input} {...shared} />
      )}
    </label>
  );
}
