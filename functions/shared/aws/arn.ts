/** Parts of ARNs. No I/O. */

/** `123456789012` */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}
