export type { Serde } from './serde';
export { bytes } from './bytes';
export { json } from './json';
export { number } from './number';
export { serde, type SerdeFunctions } from './custom';
export { string } from './string';
export { orderedKey } from './ordered-key';
export { sinkKey } from './sink-key';
