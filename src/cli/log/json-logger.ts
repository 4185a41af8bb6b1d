import pino from 'pino';
import type { LogLevel } from '../../config/resolved-config';
import type { LogFields, Logger } from '../../util/logger';
import { errorFields } from './error-fields';
import { CENSORED, redactPaths } from './secrets';

/** One JSON object a line: `level`, `time` (ISO 8601), the bound fields, the message as `message`, and the fields. */
export function jsonLogger(level: LogLevel, write: (line: string) => void, bound: LogFields = {}): Logger {
  const logger = pino(
    {
      level,
      base: bound,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: errorFields },
      redact: { paths: redactPaths(), censor: CENSORED },
    },
    { write },
  );
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  };
}
