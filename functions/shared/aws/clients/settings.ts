/** For every AWS client. By default the SDK waits forever for an idle connection, also in the middle of a response; these time out and retry. */
export const CLIENT_SETTINGS = {
  maxAttempts: 4,
  requestHandler: {
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    socketTimeout: 5_000,
    throwOnRequestTimeout: true,
  },
} as const;
