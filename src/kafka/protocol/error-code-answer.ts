import type { Throttled } from './api';
import type { WireReader } from './wire-reader';

/** An answer that says nothing but how it went. */
export interface ErrorCodeAnswer extends Throttled {
  readonly errorCode: number;
}

/** Reads an answer that consists of throttle time and error code. */
export function readErrorCode(input: WireReader): ErrorCodeAnswer {
  const throttleMs = input.i32();
  const errorCode = input.i16();
  input.end();
  return { throttleMs, errorCode };
}
