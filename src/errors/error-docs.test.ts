import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from './codes';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'errors.md'), 'utf8');
const rows = page.split('\n').filter((line) => /^\| TM\d{4} \|/.test(line));
const documented = rows.map((row) => row.slice(2, 8));

describe('docs/errors.md', () => {
  test('has exactly one row for every code, in order', () => {
    expect(documented).toEqual(Object.keys(ERROR_CODES).sort());
  });

  test.each(rows)('says what it means and what to do: %s', (row) => {
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    expect(cells).toHaveLength(5);
    expect(cells[2]?.length).toBeGreaterThan(10);
    expect(cells[3]?.length).toBeGreaterThan(5);
  });

  test('mentions no code that does not exist', () => {
    const mentioned = new Set(page.match(/TM\d{4}/g));
    expect([...mentioned].filter((code) => !(code in ERROR_CODES))).toEqual([]);
  });
});
