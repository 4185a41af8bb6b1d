export type { ErrorCode } from './codes';
export { TidemarkError, isTidemarkError, restated, type Reaction } from './tidemark-error';
