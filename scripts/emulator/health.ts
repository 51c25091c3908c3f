/** Whether the endpoint responds to HTTP within a second, with any status. */
export async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/_localstack/health", endpoint), { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
