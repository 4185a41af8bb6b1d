import type { OptionTable } from '../option-spec';

export const stateOptions = {
  'state.backend.type': {
    type: 'enum',
    code: 'state.backend',
    default: 'leveldb',
    values: ['leveldb', 'heap'],
    synonyms: {
      rocksdb: { value: 'leveldb', notice: true },
      hashmap: { value: 'heap', notice: false },
    },
    scope: 'instance',
    aliases: ['state.backend'],
    doc: "Where local state lives: on disk, or in the heap. Flink's `rocksdb` is taken for `leveldb` (with a notice) and `hashmap` for `heap`.",
  },
  'state.cache.max-entries': {
    type: 'int',
    code: 'state.cacheMaxEntries',
    default: 200_000,
    min: 0,
    max: 100_000_000,
    scope: 'instance',
    doc: 'State values kept as objects per executor, so that a hot key is not read and parsed anew. 0 turns the cache off.',
  },
  'bad-input.policy': {
    type: 'enum',
    code: 'badInput.policy',
    default: 'fail',
    values: ['fail', 'skip', 'dead-letter'],
    scope: 'job',
    doc: 'What happens to a record that does not deserialize, breaks an operator or is too large for its topic: stop the job, count it and go on, or write it to the dead-letter topic in the same transaction.',
  },
  'bad-input.dead-letter-topic': {
    type: 'string',
    code: 'badInput.deadLetterTopic',
    default: null,
    defaultText: 'none',
    pattern: /^[A-Za-z0-9._-]{1,249}$/,
    patternText: 'a topic name',
    scope: 'job',
    doc: "Where `dead-letter` writes. The topic must exist. A letter has the record's key, value and headers as they were, and the headers `tidemark.error.code`, `tidemark.error.message`, `tidemark.topic`, `tidemark.partition`, `tidemark.offset`, `tidemark.timestamp` and `tidemark.stage`; its timestamp is the record's as far as the topic accepts it.",
  },
} as const satisfies OptionTable;
