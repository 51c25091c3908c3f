/** Whether anything that speaks HTTP answers at this endpoint within a second; which status it answers with does not matter. */
export async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(new URL("/_localstack/health", endpoint), { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
