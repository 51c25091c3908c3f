import { ingestBatch } from "../../../functions/pipelines/storage/ingest-batch";
import { sampled } from "../../support/sized";
import { simulatePipeline, WEBHOOKS, type PipelineParts } from "../../support/pipeline-simulation";

const SEEDS = Array.from({ length: 24 }, (_, index) => index + 1);

describe("a pipeline, from its gate to Slack", () => {
  it.each(sampled(SEEDS, 6))(
    "keeps what it has accepted, and notifies of it, whatever fails (seed %i)",
    async (seed) => {
      expect(await simulatePipeline(seed)).toEqual([]);
    },
  );
});

/** Faulty parts, each of which some seed must detect. */
const MUTANTS: Readonly<Record<string, (parts: PipelineParts) => PipelineParts>> = {
  "a gate that lets everything pass": (parts) => ({
    ...parts,
    accept: (text, pipeline, now) => {
      try {
        return parts.accept(text, pipeline, now);
      } catch {
        return { ...parts.accept('{"id":"key-0.","v":1}', pipeline, now), data: text.replace('"v":1,', "") };
      }
    },
  }),
  "a gate that changes a message": (parts) => ({
    ...parts,
    accept: (text, pipeline, now) => {
      parts.accept(text, pipeline, now);
      return parts.accept(JSON.stringify(JSON.parse(text)), pipeline, now);
    },
  }),
  "versions that are rounded to JavaScript's numbers": (parts) => ({
    ...parts,
    write: (message, options) => {
      const rounded = Number(message.version) || Math.floor(Date.parse(message.version));
      return parts.write({ ...message, versionOrder: `2${String(rounded).padStart(20, "0")}` }, options);
    },
  }),
  "versions that are compared as text": (parts) => ({
    ...parts,
    write: (message, options) => parts.write({ ...message, versionOrder: message.version }, options),
  }),
  "writes without a condition": (parts) => ({
    ...parts,
    write: (message, options) => parts.write({ ...message, versionOrder: `3${Math.random()}` }, options),
  }),
  "the first of equal versions that stays": (parts) => {
    const first = new Map<string, string>();
    return {
      ...parts,
      write: (message, options) => {
        const known = first.get(`${message.key} ${message.versionOrder}`);
        if (known !== undefined && known !== message.digest) return Promise.resolve(false);
        first.set(`${message.key} ${message.versionOrder}`, message.digest);
        return parts.write(message, options);
      },
    };
  },
  "an archive whose errors are ignored": (parts) => ({
    ...parts,
    archive: (object) => parts.archive(object).catch(() => undefined),
  }),
  "an ingest that reports no failures": (parts) => ({
    ...parts,
    ingest: async (batch, ports) => ({ ...(await parts.ingest(batch, ports)), failures: [] }),
  }),
  "an ingest that reports the first failure only": (parts) => ({
    ...parts,
    ingest: async (batch, ports) => {
      const result = await parts.ingest(batch, ports);
      return { ...result, failures: result.failures.slice(0, 1) };
    },
  }),
  "an ingest that drops repeated ids of different batches": (parts) => {
    const seen = new Set<string>();
    return {
      ...parts,
      ingest: (batch, ports) => {
        const fresh = batch.filter(({ id }) => !seen.has(id));
        for (const { id } of batch) seen.add(id);
        return parts.ingest(fresh, ports);
      },
    };
  },
  "poison that is taken for a message": (parts) => ({
    ...parts,
    ingest: (batch, ports) =>
      ingestBatch(
        batch.filter(({ text }) => text !== "{ poison"),
        ports,
      ),
  }),
  "notifications of inserts only": (parts) => ({
    ...parts,
    notify: (name, pipeline, change) => {
      const notification = parts.notify(name, pipeline, change);
      return notification?.kind === "new" ? notification : undefined;
    },
  }),
  "changes that are new to the notifier by their version only": (parts) => ({
    ...parts,
    notify: (name, pipeline, change) =>
      change.before?.["data"] === undefined ? undefined : parts.notify(name, pipeline, change),
  }),
  "a Slack whose every answer counts": (parts) => ({
    ...parts,
    post: async (webhook, message) => {
      const outcome = await parts.post(webhook, message);
      return outcome.kind === "failed" ? { kind: "accepted" } : outcome;
    },
  }),
  "a Slack whose limit counts as an acceptance": (parts) => ({
    ...parts,
    post: async (webhook, message) => {
      const outcome = await parts.post(webhook, message);
      return outcome.kind === "rateLimited" ? { kind: "accepted" } : outcome;
    },
  }),
  "a queue that stops at what it cannot read": (parts) => ({
    ...parts,
    queue: {
      ...parts.queue,
      read: async (webhook, limit) => {
        const items = await parts.queue.read(webhook, limit);
        const first = items.findIndex((item) => "fault" in item);
        return first < 0 ? items : items.slice(0, first);
      },
    },
  }),
  "a queue that sets aside a neighbour": (parts) => ({
    ...parts,
    queue: {
      ...parts.queue,
      setAside: async (webhook, unreadable) => {
        const [first = unreadable] = await parts.queue.read(webhook, 1);
        await parts.queue.setAside(webhook, { ...unreadable, position: first.position });
      },
    },
  }),
  "a queue that belongs to the webhook of before": (parts) => ({
    ...parts,
    queue: {
      ...parts.queue,
      read: async (webhook, limit) => (webhook === WEBHOOKS[0] ? parts.queue.read(webhook, limit) : []),
    },
  }),
  "a queue that removes more than was sent": (parts) => ({
    ...parts,
    queue: {
      ...parts.queue,
      remove: async (webhook) => {
        await parts.queue.remove(webhook, await parts.queue.read(webhook, Infinity));
      },
    },
  }),
  "times of receipt that are taken from the consumer's clock": (parts) => ({
    ...parts,
    ingest: (batch, ports) =>
      parts.ingest(
        batch.map((each, index) => ({ ...each, receivedAt: 1 + index })),
        ports,
      ),
  }),
  "a key that ignores what follows its hyphen": (parts) => ({
    ...parts,
    write: (message, options) => parts.write({ ...message, key: message.key.replace(/-.*/, "") }, options),
  }),
};

describe("the simulation", () => {
  it.each(sampled(Object.entries(MUTANTS), 3))("detects %s", async (_, mutate) => {
    for (const seed of SEEDS) if ((await simulatePipeline(seed, mutate)).length > 0) return;
    throw new Error("no seed detects it");
  });
});
