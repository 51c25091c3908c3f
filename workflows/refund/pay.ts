/** Pays a refund. Here it only returns a receipt: call your payment provider with `taskId` as its idempotency key. */
interface Refund {
  readonly taskId: string;
  readonly input: { readonly amount: number; readonly customer?: string };
}

export const handler = ({ taskId, input: { amount, customer } }: Refund) =>
  Promise.resolve({ receipt: `refund-${taskId}`, amount, ...(customer !== undefined && { customer }) });
