import { gzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { mockClient } from "aws-sdk-client-mock";
import { archiveObjects, type ArchivedMessage } from "../../../../functions/pipelines/storage/archive";
import type { Outgoing } from "../../../../scripts/features/pipelines/queue-sender";
import { replay } from "../../../../scripts/features/pipelines/replay";

const s3 = mockClient(S3Client);
beforeEach(() => {
  s3.reset();
});

const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);
const message = (id: string, time: string): ArchivedMessage => ({
  id,
  receivedAt: at(time),
  data: `{"id":"${id}","total":1234567890123456789012345678901234567890}`,
});

interface List {
  readonly Prefix: string;
  readonly Delimiter?: string;
  readonly StartAfter?: string;
}

/** The archive of batches, as the ingest function writes it. */
function archive(...batches: readonly (readonly ArchivedMessage[])[]): void {
  const objects = batches.flatMap((batch) => archiveObjects("jobOrder", batch).map(({ object }) => object));
  s3.on(ListObjectsV2Command).callsFake(({ Prefix, Delimiter, StartAfter = "" }: List) => {
    const keys = objects.map(({ key }) => key).filter((key) => key.startsWith(Prefix) && key > StartAfter);
    if (Delimiter === undefined) return { Contents: keys.map((Key) => ({ Key })) };
    const folders = keys.map((key) => key.slice(0, key.indexOf(Delimiter, Prefix.length) + 1));
    return { CommonPrefixes: [...new Set(folders)].sort().map((folder) => ({ Prefix: folder })) };
  });
  s3.on(GetObjectCommand).callsFake(({ Key }: { readonly Key: string }) => ({
    Body: { transformToByteArray: () => gzipSync(objects.find(({ key }) => key === Key)?.text ?? "") },
  }));
}

async function replayed(from: string, to: string, sameEnvironment: boolean, quiet = false) {
  const sent: Outgoing[] = [];
  const hours: string[] = [];
  const total = await replay({
    name: "jobOrder",
    from: at(from),
    to: at(to),
    s3: new S3Client({}),
    bucket: "archive",
    sameEnvironment,
    quiet,
    send: (messages) => Promise.resolve(void sent.push(...messages)),
    onProgress: ({ hour, messages }) => hours.push(`${hour}: ${messages}`),
  });
  return { total, hours, sent };
}

describe("replaying", () => {
  it("sends what was received in the range, in order, each once, as it was sent and when", async () => {
    archive(
      [message("b", "07:30:00"), message("a", "07:10:00")],
      [message("a", "07:10:00"), message("c", "08:00:00")], // worked off again, a little different
      [message("early", "06:59:59"), message("late", "08:00:01")],
    );
    const { total, hours, sent } = await replayed("07:00:00", "08:00:01", true);
    expect(sent).toEqual(
      [message("a", "07:10:00"), message("b", "07:30:00"), message("c", "08:00:00")].map(({ data, receivedAt }) => ({
        body: data,
        attributes: { receivedAt, archived: 1 },
      })),
    );
    expect(total).toBe(3);
    expect(hours).toEqual(["2026-11-21T07: 2", "2026-11-21T08: 1"]);
  });

  it("into another environment, has that environment archive them", async () => {
    archive([message("a", "07:10:00")]);
    const { sent } = await replayed("07:00:00", "08:00:00", false);
    expect(sent).toEqual([{ body: message("a", "").data, attributes: { receivedAt: at("07:10:00") } }]);
  });

  it("marks the messages of a quiet one, so that nobody is notified of them", async () => {
    archive([message("a", "07:10:00")]);
    const { sent } = await replayed("07:00:00", "08:00:00", true, true);
    expect(sent.map(({ attributes }) => attributes)).toEqual([{ receivedAt: at("07:10:00"), archived: 1, quiet: 1 }]);
  });

  it("says from when to continue, when it has to stop", async () => {
    archive([message("a", "07:10:00")], [message("b", "08:10:00")]);
    const sent: Outgoing[] = [];
    const stopped = replay({
      name: "jobOrder",
      from: at("07:00:00"),
      to: at("10:00:00"),
      s3: new S3Client({}),
      bucket: "archive",
      sameEnvironment: true,
      quiet: false,
      send: (messages) => {
        if (sent.length > 0) return Promise.reject(new Error("throttled"));
        sent.push(...messages);
        return Promise.resolve();
      },
      onProgress: () => undefined,
    });
    await expect(stopped).rejects.toThrow("1 messages were sent. Continue with --from 2026-11-21T08:00:00.000Z");
  });

  it("asks for the hours that there are, however long the range is", async () => {
    archive([message("before", "06:10:00")], [message("a", "07:10:00")], [message("b", "09:10:00")]);
    const { total } = await replayed("07:00:00", "09:30:00", true);
    const requests = s3.commandCalls(ListObjectsV2Command).length;
    s3.resetHistory();
    const sent: number[] = [];
    const years = await replay({
      name: "jobOrder",
      from: Date.parse("2019-01-01T00:00:00Z"),
      to: Date.parse("2030-01-01T00:00:00Z"),
      s3: new S3Client({}),
      bucket: "archive",
      sameEnvironment: true,
      quiet: false,
      send: (messages) => Promise.resolve(void sent.push(messages.length)),
      onProgress: () => undefined,
    });
    expect([total, requests, years, s3.commandCalls(ListObjectsV2Command).length]).toEqual([2, 4, 3, 5]);
  });

  it("holds some objects at a time, however many an hour has", async () => {
    const batches = Array.from({ length: 40 }, (_, index) => [
      message(`m${index}`, `07:${String(index).padStart(2, "0")}:00`),
    ]);
    archive(...batches);
    const { total, hours } = await replayed("07:00:00", "08:00:00", true);
    expect([total, hours.length]).toEqual([40, 5]);
  });
});
