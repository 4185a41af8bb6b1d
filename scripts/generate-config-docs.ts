import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage } from '../src/config/config-docs';

writeFileSync(join(__dirname, '..', 'docs', 'configuration.md'), configurationPage());
