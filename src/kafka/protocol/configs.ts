import type { ConfigResource, ConfigResult } from '../port';
import type { KafkaApi, Throttled } from './api';
import { MalformedAnswerError, type WireReader } from './wire-reader';

export interface DescribeConfigsRequest {
  readonly resources: readonly ConfigResource[];
}

export interface DescribeConfigsResponse extends Throttled {
  readonly results: readonly ConfigResult[];
}

const RESOURCE_TYPE: Readonly<Record<ConfigResource['type'], number>> = { topic: 2, broker: 4 };

/** DescribeConfigs v4: all settings of each resource, without synonyms and documentation. */
export const DESCRIBE_CONFIGS: KafkaApi<DescribeConfigsRequest, DescribeConfigsResponse> = {
  name: 'DescribeConfigs',
  key: 32,
  minVersion: 4,
  maxVersion: 4,
  flexibleFrom: 4,

  encode(out, { resources }) {
    out.array(resources, ({ type, name }) => {
      out
        .i8(RESOURCE_TYPE[type])
        .string(name)
        .nullableArray(null, () => undefined);
      out.end();
    });
    out.bool(false).bool(false).end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const results = input.array(() => readResult(input));
    input.end();
    return { throttleMs, results };
  },
};

function readResult(input: WireReader): ConfigResult {
  const errorCode = input.i16();
  input.nullableString(); // error message
  const type = resourceType(input.i8());
  const name = input.string();
  const configs = new Map(input.array(() => readConfig(input)));
  input.end();
  return { errorCode, type, name, configs };
}

function resourceType(wireType: number): ConfigResource['type'] {
  if (wireType === RESOURCE_TYPE.topic) return 'topic';
  if (wireType === RESOURCE_TYPE.broker) return 'broker';
  throw new MalformedAnswerError(`resource type ${wireType} was not asked for`);
}

function readConfig(input: WireReader): [string, string | null] {
  const name = input.string();
  const value = input.nullableString();
  input.bool(); // read-only
  input.i8(); // source
  input.bool(); // sensitive
  input.array(() => {
    input.string();
    input.nullableString();
    input.i8(); // source
    input.end();
  });
  input.i8(); // type
  input.nullableString(); // documentation
  input.end();
  return [name, value];
}
