/** A fire received from SQS. */
import * as z from "zod";

import { MESSAGE_ATTRIBUTES } from "../contract";
import type { Fire } from "../schedule/timer";

export interface Delivery {
  readonly messageId: string;
  readonly receiptHandle: string;
  /** Deliveries of the message so far, including this one. */
  readonly receiveCount: number;
  readonly fire: Fire;
}

const attribute = z.object({ stringValue: z.string() });

/** A record of Lambda's SQS event -> {@link Delivery}. */
export const deliverySchema = z
  .looseObject({
    messageId: z.string(),
    receiptHandle: z.string(),
    body: z.string(),
    attributes: z.looseObject({ ApproximateReceiveCount: z.coerce.number().default(1) }),
    messageAttributes: z.looseObject({
      [MESSAGE_ATTRIBUTES.kind]: z.object({ stringValue: z.enum(["periodic", "oneshot"]) }),
      [MESSAGE_ATTRIBUTES.id]: attribute,
      [MESSAGE_ATTRIBUTES.version]: attribute,
      [MESSAGE_ATTRIBUTES.shard]: attribute,
      [MESSAGE_ATTRIBUTES.due]: z.object({ stringValue: z.iso.datetime() }),
      [MESSAGE_ATTRIBUTES.fireId]: attribute,
    }),
  })
  .transform(({ messageId, receiptHandle, body, attributes, messageAttributes }): Delivery => ({
    messageId,
    receiptHandle,
    receiveCount: attributes.ApproximateReceiveCount,
    fire: {
      kind: messageAttributes[MESSAGE_ATTRIBUTES.kind].stringValue,
      id: messageAttributes[MESSAGE_ATTRIBUTES.id].stringValue,
      version: messageAttributes[MESSAGE_ATTRIBUTES.version].stringValue,
      shard: messageAttributes[MESSAGE_ATTRIBUTES.shard].stringValue,
      due: Date.parse(messageAttributes[MESSAGE_ATTRIBUTES.due].stringValue),
      fireId: messageAttributes[MESSAGE_ATTRIBUTES.fireId].stringValue,
      data: body,
    },
  }));
