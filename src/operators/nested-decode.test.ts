import { json, orderedKey } from '../index';
import { failure, taskOf } from './testing/definitions';

it('I2: a TM3001 that comes out of an operator is a failure of the operator, because effects may lie before it', () => {
  const task = taskOf((env) => {
    const source = env.source<{ id: string }>('in', { value: json<{ id: string }>() });
    source.to('first');
    source.map((v) => orderedKey.read(Buffer.from(v.id), 0, v.id.length)).to('second');
  });
  const error = failure(() => task.push('in', { value: '{"id":"no key"}' }));
  // The first sink has its record by now: the record must be replayed as bad, and not be set aside on the spot.
  expect(error.code).toBe('TM3002');
});
