import type { KafkaApi, Throttled } from './api';
import { only } from './wire-reader';

export type CoordinatorType = 'group' | 'transaction';

export interface FindCoordinatorRequest {
  readonly type: CoordinatorType;
  /** Group id or transactional id. */
  readonly key: string;
}

export interface FindCoordinatorResponse extends Throttled {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const KEY_TYPE: Readonly<Record<CoordinatorType, number>> = { group: 0, transaction: 1 };

/** FindCoordinator v4, asked for one key at a time. */
export const FIND_COORDINATOR: KafkaApi<FindCoordinatorRequest, FindCoordinatorResponse> = {
  name: 'FindCoordinator',
  key: 10,
  minVersion: 4,
  maxVersion: 4,
  flexibleFrom: 3,

  encode(out, { type, key }) {
    out
      .i8(KEY_TYPE[type])
      .array([key], (one) => out.string(one))
      .end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const coordinators = input.array(() => {
      input.string(); // the key that was asked for
      const place = { nodeId: input.i32(), host: input.string(), port: input.i32() };
      const result = { errorCode: input.i16(), errorMessage: input.nullableString() };
      input.end();
      return { throttleMs, ...place, ...result };
    });
    input.end();
    return only(coordinators, 'coordinators');
  },
};
