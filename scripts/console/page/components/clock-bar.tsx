/** The clock of `local`, as a slider. While it is not the machine's, the bar says so above every view. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ClockView } from "../../contract";
import { counted, span } from "../format";
import { ActionButton } from "./action";
import { useNow } from "./clock";
import { Icon } from "./parts";

/** As `almanac clock advance` reads them, with their lengths in milliseconds. */
const STEPS = [
  ["1m", 60_000],
  ["5m", 300_000],
  ["15m", 900_000],
  ["30m", 1_800_000],
  ["1h", 3_600_000],
  ["2h", 7_200_000],
  ["3h", 10_800_000],
  ["6h", 21_600_000],
  ["12h", 43_200_000],
  ["1d", 86_400_000],
  ["2d", 172_800_000],
  ["7d", 604_800_000],
] as const;
const INITIAL_STEP = 4;

/** Less is what a poll takes. */
const REAL_WITHIN_MS = 1_000;

const MOMENT = new Intl.DateTimeFormat(undefined, {
  ...{ weekday: "short", day: "numeric", month: "short", year: "numeric" },
  ...{ hour: "2-digit", minute: "2-digit", second: "2-digit" },
});

interface ClockBarProps {
  readonly clock: ClockView;
  readonly onDone: () => void;
}

export function ClockBar({ clock, onDone }: ClockBarProps): JSX.Element {
  const { aheadMs, isMoving, error } = clock;
  const isReal = aheadMs < REAL_WITHIN_MS && !isMoving && error === undefined;
  return isReal ? (
    <section class="clock" aria-label="Clock">
      <details>
        <summary>Real time</summary>
        <Slider onDone={onDone} />
      </details>
    </section>
  ) : (
    <section class="clock moved degraded" aria-label="Clock">
      <p>
        <Icon health="degraded" /> <b>Not real time:</b> <Moment /> <Movement clock={clock} />
      </p>
      {isMoving ? (
        <ActionButton name="clock.stop" onDone={onDone} />
      ) : (
        <>
          <ActionButton name="clock.now" onDone={onDone} />
          <details>
            <summary>Move it on</summary>
            <Slider onDone={onDone} />
          </details>
        </>
      )}
    </section>
  );
}

function Moment(): JSX.Element {
  const now = useNow();
  const utc = new Date(now).toISOString();
  return (
    <time datetime={utc} title={`${utc} UTC`}>
      {MOMENT.format(now)}
    </time>
  );
}

function Movement({ clock }: { readonly clock: ClockView }): JSX.Element {
  const { aheadMs, isMoving, until, speed, invocations, failed, error } = clock;
  const ran = `${counted(invocations, "invocation")}${failed === 0 ? "" : `, ${failed} failed`}`;
  return (
    <span class="calm">
      {span(aheadMs)} ahead
      {isMoving && until !== undefined && `, on its way to ${MOMENT.format(Date.parse(until))}: ${ran}`}
      {isMoving && until === undefined && `, ${speed} times as fast: ${ran}`}
      {error !== undefined && `. It stopped: ${error}`}
    </span>
  );
}

function Slider({ onDone }: { readonly onDone: () => void }): JSX.Element {
  const [index, setIndex] = useState<number>(INITIAL_STEP);
  const [by, ms] = STEPS[index] ?? STEPS[INITIAL_STEP];
  const until = MOMENT.format(useNow() + ms);
  return (
    <div class="slider">
      <label>
        <span>Let time pass</span>
        <input
          type="range"
          min={0}
          max={STEPS.length - 1}
          step={1}
          value={index}
          aria-valuetext={`${span(ms)}, until ${until}`}
          onInput={({ currentTarget }) => {
            setIndex(Number(currentTarget.value));
          }}
        />
      </label>
      <output>
        {span(ms)} <span class="calm">until {until}</span>
      </output>
      <span class="buttons">
        <ActionButton name="clock.advance" values={{ by }} onDone={onDone} />
        <ActionButton name="clock.speed" onDone={onDone} />
      </span>
    </div>
  );
}
