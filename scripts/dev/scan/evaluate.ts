/** Compares a scan's findings with the waivers. No I/O. */
import type { Waiver } from "./waivers";

/** A check that a resource fails. */
export interface Finding {
  readonly check: string;
  readonly name: string;
  /** `staging/heartbeats resource.telemetry`. */
  readonly at: string;
}

export interface Verdict {
  /** Findings without a waiver. */
  readonly open: readonly Finding[];
  /** Waivers without a finding. */
  readonly stale: readonly Waiver[];
}

/** Compares findings with waivers. */
export function evaluate(findings: readonly Finding[], waivers: readonly Waiver[]): Verdict {
  const covers = ({ check, only }: Waiver, finding: Finding) =>
    check === finding.check && (only === undefined || only.test(finding.at));
  return {
    open: findings.filter((finding) => !waivers.some((waiver) => covers(waiver, finding))),
    stale: waivers.filter((waiver) => !findings.some((finding) => covers(waiver, finding))),
  };
}
