import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokerErrorsPage } from './broker-error-docs';

writeFileSync(join(__dirname, '..', 'docs', 'internals', 'broker-errors.md'), brokerErrorsPage());
