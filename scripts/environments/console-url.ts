/** The address of an environment's dashboard in CloudWatch's console. */
export function dashboardUrl(region: string, app: string, environment: string): string {
  const domain = region.startsWith("cn-")
    ? "console.amazonaws.cn"
    : region.startsWith("us-gov-")
      ? "console.amazonaws-us-gov.com"
      : `${region}.console.aws.amazon.com`;
  return `https://${domain}/cloudwatch/home?region=${region}#dashboards/dashboard/${app}-${environment}`;
}
