import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/** Everything that crosses the engine is JSON, so nothing is shared between the two sides. */
export function toPayload(value: unknown): Payload {
  return defaultPayloadConverter.toPayload(value);
}

export function fromPayload(payload: Payload | null | undefined): unknown {
  return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
}

export function fromPayloads(payloads: Payload[] | null | undefined): unknown[] {
  return (payloads ?? []).map(fromPayload);
}

export type { Payload };
