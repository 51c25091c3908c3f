import type { Waiver } from "./waivers";

/** A check that a resource fails. */
export interface Finding {
  readonly check: string;
  readonly name: string;
  /** Where: `staging/heartbeats resource.telemetry`. */
  readonly at: string;
}

export interface Verdict {
  /** What nobody has waived. */
  readonly open: readonly Finding[];
  /** Waivers for which there is no finding any more. */
  readonly stale: readonly Waiver[];
}

export function judge(findings: readonly Finding[], waivers: readonly Waiver[]): Verdict {
  const covers = ({ check, only }: Waiver, finding: Finding) =>
    check === finding.check && (only === undefined || only.test(finding.at));
  return {
    open: findings.filter((finding) => !waivers.some((waiver) => covers(waiver, finding))),
    stale: waivers.filter((waiver) => !findings.some((finding) => covers(waiver, finding))),
  };
}
