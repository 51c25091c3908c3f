import { wavesOf } from "../../../../functions/pipelines/slack/notifications-table";
import type { QueuedNotification } from "../../../../functions/pipelines/slack/slack-sender";

describe("notifications on their way into the queue", () => {
  it("go in waves, in which each key is once", () => {
    const queued = ["a", "b", "a", "a", "b"].map((key, position): QueuedNotification => ({
      position: String(position),
      notification: { pipeline: "c", key, kind: "new", receivedAt: "", fields: [] },
    }));
    expect(wavesOf(queued).map((wave) => wave.map(({ position }) => position))).toEqual([
      ["0", "1"],
      ["2", "4"],
      ["3"],
    ]);
  });
});
