import { defineJob, json, valueState } from 'tidemark';

/** A payment, and how it is to break the job, if at all. */
interface Payment {
  readonly user: string;
  /** The operator throws after it has counted and emitted. */
  readonly explode?: boolean;
  /** Length of what is emitted. */
  readonly size?: number;
  /** Length of what is kept in state. */
  readonly hold?: number;
}

const { JOB_INPUT = 'payments', JOB_OUTPUT = 'totals', JOB_SHAPE = 'shuffle' } = process.env;
const userOf = (payment: Payment): string => payment.user;

/** Counts payments by user with a hand-written operator that can be made to fail half way. */
export default defineJob('totals', (env) => {
  const keyed =
    JOB_SHAPE === 'shuffle'
      ? env.source(JOB_INPUT, { value: json<Payment>() }).keyBy(userOf, { name: 'by-user' })
      : env.source(JOB_INPUT, { value: json<Payment>(), partitionedBy: userOf }).keyBy();
  keyed
    .process(
      {
        name: 'totals',
        state: { count: valueState({ default: 0 }), held: valueState({ default: '' }) },
        emits: json(),
      },
      (payment, ctx) => {
        const count = ctx.state.count.get() + 1;
        ctx.state.count.set(count);
        if (payment.hold !== undefined) ctx.state.held.set('x'.repeat(payment.hold));
        ctx.emit(payment.size === undefined ? count : { count, filler: 'x'.repeat(payment.size) });
        if (payment.explode === true) throw new Error(`cannot take the payment of ${payment.user}`);
      },
    )
    .to(JOB_OUTPUT, { value: json() });
});
