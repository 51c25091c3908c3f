/** Addresses in AWS's console, which has a domain in each partition. */

/** @param page in CloudWatch: `dashboards/dashboard/almanac-staging` */
export function cloudWatchUrl(region: string, page: string): string {
  const domain = region.startsWith("cn-")
    ? "console.amazonaws.cn"
    : region.startsWith("us-gov-")
      ? "console.amazonaws-us-gov.com"
      : `${region}.console.aws.amazon.com`;
  return `https://${domain}/cloudwatch/home?region=${region}#${page}`;
}

/** @param name the dashboard's: `almanac-staging` */
export function dashboardUrl(region: string, name: string): string {
  return cloudWatchUrl(region, `dashboards/dashboard/${name}`);
}
