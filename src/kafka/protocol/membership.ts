import type {
  GroupIdentity,
  JoinGroupRequest,
  JoinGroupResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '../port';
import type { KafkaApi, Throttled } from './api';
import { readErrorCode, type ErrorCodeAnswer } from './error-code-answer';

/** Protocol type of consumer groups: by it the ordinary tools recognise members and their partitions. */
const CONSUMER_PROTOCOL = 'consumer';

/** JoinGroup v9: with `skipAssignment` for a static leader that came back (KIP-814). */
export const JOIN_GROUP: KafkaApi<JoinGroupRequest, JoinGroupResponse & Throttled> = {
  name: 'JoinGroup',
  key: 11,
  minVersion: 9,
  maxVersion: 9,
  flexibleFrom: 6,

  encode(out, request) {
    out.string(request.groupId).i32(request.sessionTimeoutMs).i32(request.rebalanceTimeoutMs);
    out.string(request.memberId).nullableString(request.groupInstanceId).string(CONSUMER_PROTOCOL);
    out.array(request.protocols, ({ name, metadata }) => out.string(name).blob(metadata).end());
    out.nullableString(request.reason).end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const errorCode = input.i16();
    const generationId = input.i32();
    input.nullableString(); // protocol type
    const protocolName = input.nullableString();
    const leader = input.string();
    const skipAssignment = input.bool();
    const memberId = input.string();
    const members = input.array(() => {
      const id = { memberId: input.string(), groupInstanceId: input.nullableString() };
      const member = { ...id, metadata: input.copiedBlob() };
      input.end();
      return member;
    });
    input.end();
    return { throttleMs, errorCode, generationId, protocolName, leader, skipAssignment, memberId, members };
  },
};

export const SYNC_GROUP: KafkaApi<SyncGroupRequest, SyncGroupResponse & Throttled> = {
  name: 'SyncGroup',
  key: 14,
  minVersion: 5,
  maxVersion: 5,
  flexibleFrom: 4,

  encode(out, request) {
    out.string(request.groupId).i32(request.generationId).string(request.memberId);
    out.nullableString(request.groupInstanceId).nullableString(CONSUMER_PROTOCOL);
    out.nullableString(request.protocolName);
    out.array(request.assignments, ({ memberId, assignment }) => out.string(memberId).blob(assignment).end());
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const errorCode = input.i16();
    input.nullableString(); // protocol type
    input.nullableString(); // protocol name
    const assignment = input.copiedBlob();
    input.end();
    return { throttleMs, errorCode, assignment };
  },
};

export const HEARTBEAT: KafkaApi<GroupIdentity, ErrorCodeAnswer> = {
  name: 'Heartbeat',
  key: 12,
  minVersion: 3,
  maxVersion: 4,
  flexibleFrom: 4,

  encode(out, group) {
    out.string(group.groupId).i32(group.generationId).string(group.memberId);
    out.nullableString(group.groupInstanceId).end();
  },

  decode: readErrorCode,
};

export interface LeaveGroupRequest {
  readonly groupId: string;
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[];
}

/** The answer's error code is the request's; when that is 0, the first member's that is not 0. */
export const LEAVE_GROUP: KafkaApi<LeaveGroupRequest, ErrorCodeAnswer> = {
  name: 'LeaveGroup',
  key: 13,
  minVersion: 4,
  maxVersion: 5,
  flexibleFrom: 4,

  encode(out, { groupId, members }, version) {
    out.string(groupId);
    out.array(members, ({ memberId, groupInstanceId }) => {
      out.string(memberId).nullableString(groupInstanceId);
      if (version >= 5) out.nullableString(null); // reason
      out.end();
    });
    out.end();
  },

  decode(input) {
    const throttleMs = input.i32();
    const requestError = input.i16();
    const memberErrors = input.array(() => {
      input.string(); // member id
      input.nullableString(); // instance id
      const errorCode = input.i16();
      input.end();
      return errorCode;
    });
    input.end();
    const firstError = memberErrors.find((errorCode) => errorCode !== 0) ?? 0;
    return { throttleMs, errorCode: requestError === 0 ? firstError : requestError };
  },
};
