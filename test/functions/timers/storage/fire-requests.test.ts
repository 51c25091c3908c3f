/** Idempotency keys of fires by request, as rows of the timers table. */
import { fireRequests } from "../../../../functions/timers/storage/fire-requests";
import { conditionalWrites } from "../../../support/fake-timers";

const NOW = Date.parse("2026-11-21T07:00:00Z");
const timer = { kind: "oneshot", id: "tea" } as const;
const lease = { owner: "a", now: NOW, until: NOW + 7_000 };
const request = { timer, key: "3a5c", fireId: undefined };

describe("a request to fire a timer", () => {
  const calls: { readonly Key?: unknown; readonly ExpressionAttributeValues?: unknown }[] = [];
  const rows = conditionalWrites();
  const requests = fireRequests(
    {
      ...rows,
      call: (target, body) => {
        calls.push(JSON.parse(body) as object);
        return rows.call(target, body);
      },
    },
    "timers",
  );

  it("has a row of its own for a day, which no list of timers reads", async () => {
    await requests.begin(request, lease);
    await requests.release(request, "a");
    const Key = { partition: { S: "fired" }, timer: { S: "fired#oneshot#tea#3a5c" } };
    expect(calls).toMatchObject([
      { Key, ExpressionAttributeValues: { ":ttl": { N: String(NOW / 1_000 + 86_400) } } },
      { Key },
    ]);
  });

  it("is released by its owner only, and acquired by another one once its lease has expired", async () => {
    await requests.begin(request, lease);
    await requests.release(request, "b");
    const other = { owner: "b", now: NOW + 7_000, until: NOW + 14_000 };
    await expect(requests.begin(request, other)).rejects.toThrow("is running; try again");
    expect(await requests.begin(request, { ...other, now: NOW + 7_001 })).toBeUndefined();
    await requests.complete(request, { fireId: "oneshot#tea#v1#now-3a5c", due: NOW });
    expect(await requests.begin(request, { ...other, now: NOW + 20_000 })).toEqual({
      fireId: "oneshot#tea#v1#now-3a5c",
      due: NOW,
    });
  });
});
