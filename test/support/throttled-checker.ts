/** A process for {@link runThrottled}: checks targets as the handler does, and answers with the outcomes. */
import { processorMegabytes, targetsSchema } from "../../functions/heartbeats/contract";
import { checkTargets } from "../../functions/heartbeats/probe/check-targets";
import { systemLookup } from "../../functions/heartbeats/probe/dns";
import { startLagMeter } from "../../functions/heartbeats/probe/event-loop-lag";
import { httpClient } from "../../functions/heartbeats/probe/http-client";
import { systemClock } from "../../functions/shared/clock";

process.once("message", (input) => {
  void check(input);
});
process.send?.("ready");

async function check(input: unknown): Promise<void> {
  const targets = targetsSchema.parse(input);
  const lag = startLagMeter();
  const ports = { send: httpClient(systemLookup()), clock: systemClock, lag: lag.read };
  const results = await checkTargets(targets, processorMegabytes(targets), ports);
  lag.stop();
  process.send?.(results.map(({ outcome }) => outcome));
}
