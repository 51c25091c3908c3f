/** Addresses of runs' logs in the CloudWatch console. */
import type { Run } from "../../../functions/schedules/contract";
import type { AwsSettings } from "../../shared/aws/aws-settings";
import { cloudWatchUrl } from "../../shared/aws/console-url";

/** The log of a run's last attempt in CloudWatch's console; undefined on an emulator, which has no console. */
export function logUrlOf({ log }: Pick<Run, "log">, { region, endpoint }: AwsSettings): string | undefined {
  if (log === undefined || endpoint !== undefined) return undefined;
  // The console encodes twice, with $ in place of %.
  const encode = (text: string) => encodeURIComponent(encodeURIComponent(text)).replaceAll("%", "$");
  const place = `log-group/${encode(log.group)}/log-events/${encode(log.stream)}`;
  return cloudWatchUrl(region, `logsV2:log-groups/${place}$3FfilterPattern$3D${encode(`"${log.requestId}"`)}`);
}
