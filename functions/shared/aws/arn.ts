/** Parts of ARNs. No I/O. */

/** `123456789012` */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** An execution's state machine, unique in the world: `123456789012/eu-central-1/almanac-staging-exports-run`. */
export function machineOf(executionArn: string): string {
  const [, , , region = "", account = "", , machine = ""] = executionArn.split(":");
  return `${account}/${region}/${machine}`;
}
