import { wavesOf } from "../../../../functions/pipelines/slack/notifications-table";
import type { Waiting } from "../../../../functions/pipelines/slack/slack-sender";

describe("notices on their way into the line", () => {
  it("go in waves, in which each key is once", () => {
    const waiting = ["a", "b", "a", "a", "b"].map((key, place): Waiting => ({
      place: String(place),
      notice: { channel: "c", key, kind: "new", receivedAt: "", fields: [] },
    }));
    expect(wavesOf(waiting).map((wave) => wave.map(({ place }) => place))).toEqual([["0", "1"], ["2", "4"], ["3"]]);
  });
});
