export type { ErrorCode } from './codes';
export { TidemarkError, isTidemarkError, type Reaction } from './tidemark-error';
