import type { LogLevel } from '../../config/resolved-config';
import type { LogFields, Logger } from '../../util/logger';
import type { Clock } from '../../util/ports';
import { errorFields } from './error-fields';
import { CENSORED, isSecretName } from './secrets';

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Lines for people: time of day, level, message, fields as `name=value`. */
export function humanLogger(level: LogLevel, clock: Clock, writeLine: (line: string) => void): Logger {
  const log = (severity: LogLevel, message: string, fields: LogFields = {}): void => {
    if (SEVERITY[severity] < SEVERITY[level]) return;
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const details = Object.entries(fields).map(([name, value]) => ` ${name}=${showValue(name, value)}`);
    writeLine(`${time} ${severity.toUpperCase().padEnd(5)} ${message}${details.join('')}`);
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  };
}

function showValue(name: string, value: unknown): string {
  if (isSecretName(name)) return CENSORED;
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(errorFields(value), replaceMember) ?? String(value);
}

function replaceMember(name: string, value: unknown): unknown {
  if (isSecretName(name) && value !== null) return CENSORED;
  return typeof value === 'bigint' ? String(value) : value;
}
