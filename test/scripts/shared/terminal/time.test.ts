import { command as advance } from "../../../../scripts/commands/clock/advance";
import { command as logs } from "../../../../scripts/commands/logs";
import { command as replay } from "../../../../scripts/commands/pipelines/replay";
import { parseTime } from "../../../../scripts/shared/terminal/time";

const NONE = [
  ...["2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T07:00:00", "2026-11-21", "2026-11-21T07:00:00+24:00"],
  ...["2026-11-21T07:60:00Z", "2026-11-21 07:00:00Z", "November", "-1d"],
];

describe("a time that is passed to a command", () => {
  it.each(["2026-11-21T07:00Z", "2028-02-29T23:59:59.999Z", "2026-03-01T00:00:00+14:00", "0001-01-01T00:00:00Z"])(
    "is the instant that it names: %s",
    (text) => {
      expect(parseTime(text)).toBe(Date.parse(text));
    },
  );

  it.each(NONE)("is refused by each command when it is none, or of no day: %s", async (text) => {
    for (const [command, args] of [
      [replay, ["jobOrder", "--from", text]],
      [advance, ["--until", text]],
      [logs, ["--since", text]],
    ] as const) {
      const parsed = command()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined })
        .parseAsync(args, { from: "user" });
      await expect(parsed).rejects.toThrow("Expected a");
    }
  });
});
