import { defineJob, json, number, string } from 'tidemark';

/** A running total that begins at ten million; JOB_STATE chooses how the state is written. */
export default defineJob('serde-change', (env) =>
  env
    .source<{ user: string }>(process.env['JOB_INPUT']!, { value: json<{ user: string }>() })
    .keyBy((event) => event.user, { name: 'by-user' })
    .aggregate({
      name: 'total',
      init: () => 10_000_000,
      add: (total) => total + 1,
      value: process.env['JOB_STATE'] === 'number' ? number() : json<number>(),
    })
    .to(process.env['JOB_OUTPUT']!, { key: string(), value: json() }),
);
