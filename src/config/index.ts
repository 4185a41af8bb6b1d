export { resolveConfig } from './resolve-config';
