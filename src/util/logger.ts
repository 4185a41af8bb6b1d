/** Structured facts beside a log message. Values are printed as JSON; never put a secret in. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What every component logs through. Messages are constant sentences; what varies goes into `fields`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Drops everything: for tests and for library use without a logger. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
