import type { GroupDescription } from '../port';
import type { KafkaApi, Throttled } from './api';
import type { ErrorCodeAnswer } from './error-code-answer';
import { only, type WireReader } from './wire-reader';

export interface OneGroupRequest {
  readonly groupId: string;
}

export const DESCRIBE_GROUPS: KafkaApi<OneGroupRequest, GroupDescription & Throttled> = {
  name: 'DescribeGroups',
  key: 15,
  minVersion: 5,
  maxVersion: 5,
  flexibleFrom: 5,

  encode(out, { groupId }) {
    out
      .array([groupId], (id) => out.string(id))
      .bool(false)
      .end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const group = only(
      input.array(() => readGroup(input)),
      'groups',
    );
    input.end();
    return { throttleMs, ...group };
  },
};

function readGroup(input: WireReader): GroupDescription {
  const errorCode = input.i16();
  const groupId = input.string();
  const state = input.string();
  input.string(); // protocol type
  input.string(); // protocol name
  const members = input.array(() => readMember(input));
  input.i32(); // authorised operations
  input.end();
  return { groupId, errorCode, state, members };
}

function readMember(input: WireReader): GroupDescription['members'][number] {
  const memberId = input.string();
  const groupInstanceId = input.nullableString();
  const clientId = input.string();
  const clientHost = input.string();
  input.nullableBlob(); // subscription
  const assignment = input.copiedBlob();
  input.end();
  return { memberId, groupInstanceId, clientId, clientHost, assignment };
}

export const DELETE_GROUPS: KafkaApi<OneGroupRequest, ErrorCodeAnswer> = {
  name: 'DeleteGroups',
  key: 42,
  minVersion: 2,
  maxVersion: 2,
  flexibleFrom: 2,

  encode(out, { groupId }) {
    out.array([groupId], (id) => out.string(id)).end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const results = input.array(() => {
      input.string(); // group id
      const errorCode = input.i16();
      input.end();
      return errorCode;
    });
    input.end();
    return { throttleMs, errorCode: only(results, 'groups') };
  },
};
