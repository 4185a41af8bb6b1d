import { createRequire } from 'node:module';
import { TidemarkError } from '../errors';

const load = createRequire(__filename);

/**
 * Loads a package that brings a native compressor when its codec is first met, so that a platform without a build
 * of one can still use the others.
 * @throws {TidemarkError} TM2007 naming the package when it is not there or does not load
 */
export function loadCodecPackage<T>(codec: string, packageName: string): T {
  try {
    return load(packageName) as T;
  } catch (cause) {
    throw new TidemarkError(
      'TM2007',
      'stop',
      `${codec} needs the package ${packageName}, which does not load`,
      {
        hint: `npm install ${packageName} (with optional dependencies, on a platform that it supports)`,
        cause,
      },
    );
  }
}
