import { linesOfRun } from "../../../../scripts/features/schedules/lines-of-run";

const RUN = "2026-11-21T17:00:00.000Z#1a2b3c4d";
const [OURS, THEIRS] = ["11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"];
const line = (message: string, id: string, fields: object = {}) =>
  JSON.stringify({ message, function_request_id: id, ...fields });

describe("the lines of a run", () => {
  it("are those that name it, and those of its invocations", () => {
    const isOfRun = linesOfRun(RUN);
    const lines: readonly (readonly [string, boolean])[] = [
      [`START RequestId: ${THEIRS} Version: $LATEST`, false],
      ["printed by another run", false],
      [line("began", THEIRS, { runId: "report/2026-11-21T17:00:00.000Z" }), false],
      [line("began", OURS, { runId: `report/${RUN}` }), true],
      ["printed by the handler", true],
      // As AWS has what a handler prints.
      [JSON.stringify({ message: "printed", requestId: OURS }), true],
      [JSON.stringify({ message: "printed", requestId: THEIRS }), false],
      ["printed by another run", false],
      [`END RequestId: ${OURS}`, true],
    ];
    expect(lines.map(([message]) => isOfRun(message))).toEqual(lines.map(([, expected]) => expected));
  });

  it("are those of each attempt", () => {
    const isOfRun = linesOfRun(RUN);
    expect(isOfRun(line("ended", OURS, { runId: `report/${RUN}` }))).toBe(true);
    expect(isOfRun(line("began", THEIRS, { runId: `report/${RUN}`, attempt: 2 }))).toBe(true);
    expect(isOfRun(line("counted", THEIRS))).toBe(true);
  });
});
