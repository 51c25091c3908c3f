/**
 * How every AWS client here behaves. The SDK alone waits forever for a silent connection; a function that has a minute must
 * rather give up early and try again.
 */
export const CLIENT_SETTINGS = {
  maxAttempts: 4,
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
} as const;
