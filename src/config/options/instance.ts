import type { OptionTable } from '../option-spec';

/**
 * Letters that Kafka allows in a topic name; short enough that internal topic names stay under 249 characters. Names
 * folders as well, so that the two relative ones are out.
 */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,120}$/;
const NAME_TEXT = '1 to 120 letters, digits, dots, dashes or underscores';

export const instanceOptions = {
  'application-id': {
    type: 'string',
    code: 'applicationId',
    default: null,
    defaultText: 'name of the job',
    pattern: NAME,
    patternText: NAME_TEXT,
    flag: '--application-id',
    scope: 'job',
    doc: 'Names the job: its consumer group, and by default its internal topics and transactional ids. Instances with the same id share the work.',
  },
  'instance-id': {
    type: 'string',
    code: 'instanceId',
    default: null,
    defaultText: 'host name and first free slot',
    pattern: NAME,
    patternText: NAME_TEXT,
    flag: '--instance-id',
    scope: 'instance',
    doc: 'Names this process among the instances of the job. It must survive a lost disk, and no two live processes may share it: it gives static membership and the transactional id.',
  },
  executors: {
    type: 'int',
    code: 'executors',
    default: 1,
    min: 1,
    max: 256,
    flag: '--executors',
    scope: 'instance',
    doc: 'Worker threads of this process. Each is a member of the group with a transactional producer of its own.',
  },
  'state-dir': {
    type: 'path',
    code: 'stateDir',
    default: null,
    defaultText: '`$XDG_STATE_HOME/tidemark`, else `~/.local/state/tidemark`',
    flag: '--state-dir',
    scope: 'instance',
    doc: 'Folder of the local stores. It is a cache: Kafka holds the truth, and a lost folder is rebuilt.',
  },
  'sink.transactional-id-prefix': {
    type: 'string',
    code: 'transactionalIdPrefix',
    default: null,
    defaultText: 'application id',
    pattern: NAME,
    patternText: NAME_TEXT,
    scope: 'job',
    doc: "Prefix of the job's transactional ids instead of the application id.",
  },
  'log.level': {
    type: 'enum',
    code: 'log.level',
    default: 'info',
    values: ['debug', 'info', 'warn', 'error'],
    scope: 'instance',
    doc: 'Least severe log line that is printed.',
  },
} as const satisfies OptionTable;
