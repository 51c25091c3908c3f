/** The drawing of a state machine, with what one execution did in it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Health, MachineState, MachineView, StateStatus } from "../../contract";
import { pretty } from "../format";
import { ArrowHead } from "./arrow";
import { Time } from "./clock";
import { Badge, Code, Empty } from "./parts";

const HEALTH: Readonly<Record<StateStatus, Health>> = {
  idle: "unknown",
  current: "maintenance",
  succeeded: "up",
  failed: "down",
};

/** States that were passed, the current one lit; a click shows a state's input and output. */
export function Machine({ machine: { width, height, states, edges } }: { readonly machine: MachineView }): JSX.Element {
  const reached = states.filter(({ entered }) => entered > 0);
  // Of a group and a state in it, the state.
  const initial = states.findLast(({ status }) => status === "current" || status === "failed") ?? reached.at(-1);
  const [chosen, setChosen] = useState<string>();
  const shown = states.find(({ name }) => name === (chosen ?? initial?.name));
  if (states.length === 0) return <Empty>Its definition cannot be read.</Empty>;
  const drawn = (state: MachineState) => (
    <StateBox
      key={state.name}
      state={state}
      isShown={state.name === shown?.name}
      onChoose={() => {
        setChosen(state.name);
      }}
    />
  );
  return (
    <div class="machine">
      <div class="diagram" role="region" tabIndex={0} aria-label="State machine">
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <ArrowHead id="arrow-machine" />
          {/* Under the transitions within them. */}
          {states.filter(({ isGroup }) => isGroup).map(drawn)}
          <g aria-hidden="true">
            {edges.map(({ from, to, path, isCatch, isTaken }) => (
              <g key={`${from} ${to}`} class={`edge ${isTaken ? "taken" : ""} ${isCatch ? "catch" : ""}`}>
                <path d={path} marker-end="url(#arrow-machine)" />
              </g>
            ))}
          </g>
          {states.filter(({ isGroup }) => !isGroup).map(drawn)}
        </svg>
      </div>
      {shown !== undefined && <State state={shown} />}
    </div>
  );
}

interface StateBoxProps {
  readonly state: MachineState;
  readonly isShown: boolean;
  readonly onChoose: () => void;
}

function StateBox({ state, isShown, onChoose }: StateBoxProps): JSX.Element {
  const { name, type, status, isGroup, x, y, width, height, entered } = state;
  const times = isGroup || entered < 2 ? "" : ` × ${entered}`;
  return (
    <g
      role="button"
      tabindex={0}
      aria-pressed={isShown}
      aria-label={`${name}${times}: ${status}`}
      class={`node state ${HEALTH[status]} ${status} ${isGroup ? "group" : ""}`}
      transform={`translate(${x - width / 2} ${y - height / 2})`}
      onClick={onChoose}
      onKeyDown={({ key }) => {
        if (key === "Enter" || key === " ") onChoose();
      }}
    >
      <title>{`${type} ${name}`}</title>
      <rect width={width} height={height} rx="9" />
      <text x={width / 2} y={isGroup ? 19 : height / 2 + 4.5} text-anchor="middle">
        {name}
        {times !== "" && <tspan class="times">{times}</tspan>}
      </text>
    </g>
  );
}

function State({ state }: { readonly state: MachineState }): JSX.Element {
  const { name, type, status, enteredAt, exitedAt, input, output, error, entered } = state;
  return (
    <section class="state-details" aria-label={`State ${name}`}>
      <h3>
        {name} <span class="calm">{type}</span> <Badge health={HEALTH[status]} text={status} />
      </h3>
      {entered === 0 && <p class="calm">It was not entered.</p>}
      {enteredAt !== undefined && (
        <p class="calm">
          entered <Time at={enteredAt} as="local" />
          {exitedAt !== undefined && (
            <>
              , left <Time at={exitedAt} as="local" />
            </>
          )}
          {entered > 1 && `, ${entered} times`}
        </p>
      )}
      {error !== undefined && <Code text={error} label="Error" />}
      {input !== undefined && (
        <>
          <h4>Input</h4>
          <Code text={pretty(input)} label={`Input of ${name}`} />
        </>
      )}
      {output !== undefined && (
        <>
          <h4>Output</h4>
          <Code text={pretty(output)} label={`Output of ${name}`} />
        </>
      )}
    </section>
  );
}
