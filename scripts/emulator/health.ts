/** A busy emulator takes its time. */
const TIMEOUT_MS = 5_000;

/** Whether the endpoint responds to HTTP, with any status. */
export async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/_localstack/health", endpoint), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
