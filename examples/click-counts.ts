import { defineJob, json } from 'tidemark';

interface Click {
  readonly userId: string;
  readonly page: string;
}

/** Counts clicks by user: reads `clicks`, keeps one number a user, writes every new count to `user-counts`. */
export default defineJob('click-counts', (env) =>
  env
    .source('clicks', { value: json<Click>(), startFrom: 'earliest' })
    .keyBy((c) => c.userId, { name: 'by-user' })
    .count({ name: 'counts' })
    .to('user-counts', { value: json() }),
);
