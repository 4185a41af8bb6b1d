import { editDistance, nearestName } from './nearest';

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['kitten', 'sitting', 3],
  ['ab', 'ba', 1],
  ['same', 'same', 0],
])('distance of %p and %p', (a, b, distance) => expect(editDistance(a, b)).toBe(distance));

const known = ['kafka.brokers', 'kafka.session-timeout', 'execution.checkpointing.interval', 'executors'];

test.each([
  ['kafka.broker', 'kafka.brokers'],
  ['kafka.sesion-timeout', 'kafka.session-timeout'],
  ['checkpointing.interval', 'execution.checkpointing.interval'],
  ['EXECUTOR', 'executors'],
  ['colour', undefined],
  ['', undefined],
])('nearest to %p', (written, meant) => expect(nearestName(written, known)).toBe(meant));
