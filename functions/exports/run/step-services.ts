/** The services of a handler that the steps of a run use. */
import type { Services } from "../../shared/handlers/services";
import type { Logger } from "../../shared/telemetry/logger";
import type { Metrics } from "../../shared/telemetry/metrics";

/** What steps use of a handler's services, so that a simulation can run them on its own clock. */
export interface StepServices<Environment> extends Pick<Services<Environment>, "environment" | "clock"> {
  readonly logger: Pick<Logger, "info" | "error">;
  readonly metrics: Pick<Metrics, "count" | "countBy" | "milliseconds">;
}
