/** @param name the dashboard's: `almanac-staging` */
export function dashboardUrl(region: string, name: string): string {
  const domain = region.startsWith("cn-")
    ? "console.amazonaws.cn"
    : region.startsWith("us-gov-")
      ? "console.amazonaws-us-gov.com"
      : `${region}.console.aws.amazon.com`;
  return `https://${domain}/cloudwatch/home?region=${region}#dashboards/dashboard/${name}`;
}
