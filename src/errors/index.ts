export { ERROR_CODES, type ErrorCode } from './codes';
export { TidemarkError, isTidemarkError, type ErrorDetails, type Reaction } from './tidemark-error';
