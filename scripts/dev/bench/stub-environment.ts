/** Environment variables of functions under measurement, whose AWS is a stub. */
export function stubEnvironment(feature: string, endpoint: string): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    // The SDK warns about Node 20 at every start. Deployed functions run on a newer version.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "bench",
    AWS_SECRET_ACCESS_KEY: "bench",
    POWERTOOLS_SERVICE_NAME: feature,
    ALMANAC_APP: "almanac",
    ALMANAC_ENVIRONMENT: "bench",
  };
}
