import type { KafkaApi, Throttled } from './api';
import { API_VERSIONS } from './api-versions';
import { DESCRIBE_CONFIGS } from './configs';
import { FETCH } from './fetch';
import { FIND_COORDINATOR } from './find-coordinator';
import { OFFSET_COMMIT, OFFSET_FETCH, OFFSET_DELETE } from './group-offsets';
import { DESCRIBE_GROUPS, DELETE_GROUPS } from './groups';
import { LIST_OFFSETS } from './list-offsets';
import { JOIN_GROUP, SYNC_GROUP, HEARTBEAT, LEAVE_GROUP } from './membership';
import { METADATA } from './metadata';
import { PRODUCE } from './produce';
import { CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS } from './topics';
import {
  INIT_PRODUCER_ID,
  ADD_PARTITIONS_TO_TXN,
  ADD_OFFSETS_TO_TXN,
  END_TXN,
  TXN_OFFSET_COMMIT,
} from './transactions';

/** Everything that this program may ask of a broker. */
export const ALL_APIS: readonly KafkaApi<never, Throttled>[] = [
  API_VERSIONS,
  DESCRIBE_CONFIGS,
  FETCH,
  FIND_COORDINATOR,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  OFFSET_DELETE,
  DESCRIBE_GROUPS,
  DELETE_GROUPS,
  LIST_OFFSETS,
  JOIN_GROUP,
  SYNC_GROUP,
  HEARTBEAT,
  LEAVE_GROUP,
  METADATA,
  PRODUCE,
  CREATE_TOPICS,
  DELETE_TOPICS,
  DELETE_RECORDS,
  INIT_PRODUCER_ID,
  ADD_PARTITIONS_TO_TXN,
  ADD_OFFSETS_TO_TXN,
  END_TXN,
  TXN_OFFSET_COMMIT,
];
