import type { KafkaApi, Throttled, VersionRange } from './api';
import type { WireReader } from './wire-reader';

export interface ApiVersionsResponse extends Throttled {
  readonly errorCode: number;
  /** By API key. */
  readonly apis: ReadonlyMap<number, VersionRange>;
  /** Level of each feature that the whole cluster has agreed on (KIP-584); empty while the broker knows none. */
  readonly finalizedFeatures: ReadonlyMap<string, number>;
}

/** Brokers keep statistics of client software; only letters, digits, dots and dashes are allowed (KIP-511). */
const SOFTWARE = { name: 'tidemark', version: '1' };
const FINALIZED_FEATURES = 2;

/** ApiVersions v3 and v4, the versions that tell features. The handshake's own question is asked by kafkajs. */
export const API_VERSIONS: KafkaApi<null, ApiVersionsResponse> = {
  name: 'ApiVersions',
  key: 18,
  minVersion: 3,
  maxVersion: 4,
  flexibleFrom: 3,
  plainAnswerHeader: true,

  encode(out) {
    out.string(SOFTWARE.name).string(SOFTWARE.version).end();
  },

  decode(input) {
    const errorCode = input.i16();
    const apis = new Map(
      input.array(() => {
        const api = [input.i16(), { minVersion: input.i16(), maxVersion: input.i16() }] as const;
        input.end();
        return api;
      }),
    );
    const throttleMs = input.i32();
    const finalizedFeatures = new Map<string, number>();
    input.taggedFields((tag, field) => {
      if (tag === FINALIZED_FEATURES) readFeatures(field, finalizedFeatures);
    });
    return { throttleMs, errorCode, apis, finalizedFeatures };
  },
};

function readFeatures(field: WireReader, into: Map<string, number>): void {
  field.array(() => {
    into.set(field.string(), field.i16());
    field.i16(); // lowest level
    field.end();
  });
}
