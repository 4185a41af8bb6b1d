import { defineJob, json } from 'tidemark';

interface Click {
  readonly userId: string;
}

const { JOB_INPUT = 'clicks', JOB_OUTPUT = 'counts' } = process.env;

/** Counts clicks by user behind a shuffle. */
export default defineJob('click-counts', (env) =>
  env
    .source(JOB_INPUT, { value: json<Click>() })
    .keyBy((click) => click.userId, { name: 'by-user' })
    .count({ name: 'counts' })
    .to(JOB_OUTPUT, { value: json() }),
);
