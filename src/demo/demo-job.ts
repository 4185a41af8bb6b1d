import { defineJob } from '../dsl/job';
import { json } from '../serde';
import type { DemoClick } from './click-source';

/** The job of `npm start`: clicks by user, counted behind a shuffle. Topics come from the environment. */
const input = process.env['TIDEMARK_DEMO_INPUT'] ?? 'clicks';
const output = process.env['TIDEMARK_DEMO_OUTPUT'] ?? 'user-counts';

export default defineJob('click-counts', (env) =>
  env
    .source(input, { value: json<DemoClick>() })
    .keyBy((click) => click.userId, { name: 'by-user' })
    .count({ name: 'counts' })
    .to(output, { value: json() }),
);
