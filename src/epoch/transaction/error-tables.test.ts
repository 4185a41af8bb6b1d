import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';
import { brokerErrorsPage } from '../../../scripts/broker-error-docs';
import { errorRule, membershipReactionTo, reactionTo } from '../../kafka/client/error-reactions';
import java from '../../kafka/protocol/fixtures/kafka-errors.json';
import { isAuthorizationError, KAFKA_ERRORS, KafkaError, kafkaErrorName } from '../../kafka/protocol/errors';
import { judgeAnswer, LASTING_CODES, STEP_CODES, type CommitStep } from '../protocol/commit-steps';
import { stepError } from './epoch-errors';

const ROOT = join(__dirname, '..', '..', '..');
const STEPS: readonly CommitStep[] = [
  'idle',
  'adding-partitions',
  'producing',
  'committing-offsets',
  'ending',
];
const CODES = java.errors.map(({ code }) => code).filter((code) => code !== KafkaError.NONE);
const NEWER = [Math.max(...CODES) + 1, 999, 32_767];

const VERSIONS = [1, 2] as const;

/** Steps at which the code has this verdict in both transaction versions. */
const stepsWith = (code: number, verdict: string): CommitStep[] =>
  STEPS.filter((step) => VERSIONS.every((version) => judgeAnswer(step, code, version) === verdict));
/** Codes that have this verdict anywhere. */
const codesWith = (verdict: string, codes = CODES): number[] =>
  codes.filter((code) =>
    STEPS.some((step) => VERSIONS.some((version) => judgeAnswer(step, code, version) === verdict)),
  );

describe(`error codes of Apache Kafka ${java.kafka}`, () => {
  it('are the names that are known, no more and no less', () => {
    const known = [...KAFKA_ERRORS].map(([code, { name, retriable }]) => ({ code, name, retriable }));
    expect(known.sort((a, b) => a.code - b.code)).toEqual(java.errors);
  });

  it('have the same numbers in the table of the commit', () => {
    for (const [name, code] of Object.entries({ ...STEP_CODES, ...LASTING_CODES }))
      expect([code, kafkaErrorName(code)]).toEqual([code, name]);
  });

  it('are retried in general wherever Kafka says that they may be', () => {
    const notRetried = java.errors.filter(({ code, retriable }) => retriable && reactionTo(code) !== 'retry');
    expect(notRetried).toEqual([]);
  });

  it('stop the job with TM2008 when a right is missing, in every context', () => {
    const rights = CODES.filter(
      (code) => isAuthorizationError(code) && kafkaErrorName(code).charAt(0) !== 'D',
    );
    expect(rights).toHaveLength(4);
    for (const code of rights) {
      expect(errorRule(code)).toEqual({ reaction: 'stop', code: 'TM2008' });
      expect(stepsWith(code, 'stop')).toEqual(STEPS);
    }
  });

  it.each(NEWER)('that are newer (%d) abort the epoch, and are nowhere clean, repeated or final', (code) => {
    expect(reactionTo(code)).toBe('abort-epoch');
    expect(membershipReactionTo(code)).toBe('abort-epoch');
    expect(errorRule(code).fetch).toBeUndefined();
    expect(stepsWith(code, 'abort')).toEqual(STEPS);
  });
});

describe('the table of the commit', () => {
  it('knows one clean answer', () => {
    expect(codesWith('clean', [...CODES, ...NEWER])).toEqual([]);
    expect(stepsWith(KafkaError.NONE, 'clean')).toEqual(STEPS);
  });

  it('is never laxer than the general one: what it repeats is retried there, or in the group', () => {
    for (const code of codesWith('retry'))
      expect([reactionTo(code), membershipReactionTo(code)]).toContain('retry');
  });

  it('takes for fenced or lost what is so in general', () => {
    for (const code of codesWith('membership-lost'))
      expect(errorRule(code)).toMatchObject({ reaction: 'rejoin', code: 'TM5005' });
    for (const code of codesWith('fenced')) expect(['rejoin', 'abort-epoch']).toContain(reactionTo(code));
    for (const code of codesWith('duplicate-instance'))
      expect(errorRule(code)).toEqual({ reaction: 'stop', code: 'TM1012' });
  });

  it('stops at nothing that is not stop or usage in general', () => {
    for (const code of codesWith('stop')) expect(['stop', 'usage']).toContain(reactionTo(code));
  });

  it('says of what it stops at what it is in general', () => {
    expect(codesWith('stop').sort((a, b) => a - b)).toEqual(
      Object.values(LASTING_CODES).sort((a, b) => a - b),
    );
    for (const code of codesWith('stop')) {
      const { code: expected = 'TM2002' } = errorRule(code);
      expect(stepError('stop', 'Produce to a-0', code, 'id')).toMatchObject({
        code: expected,
        reaction: 'stop',
      });
    }
  });
});

test('docs/internals/broker-errors.md is what scripts/generate-error-docs.ts writes', () => {
  expect(readFileSync(join(ROOT, 'docs', 'internals', 'broker-errors.md'), 'utf8')).toBe(brokerErrorsPage());
});

/** Where numbers stand for error codes. */
const TABLES = ['src/kafka/protocol/errors.ts', 'src/epoch/protocol/commit-steps.ts'];

describe('numbers of error codes', () => {
  const sources = filesBelow(join(ROOT, 'src')).filter(
    (name) => name.endsWith('.ts') && !/\.test\.ts$|\/testing\//.test(name) && !TABLES.includes(name),
  );

  it('stand in the tables and nowhere else', () => {
    expect(sources.length).toBeGreaterThan(200);
    expect(sources.flatMap(literalCodesIn)).toEqual([]);
  });

  it.each([
    'if (answer.errorCode === 27) rejoin();',
    'if (16 !== errorCode) stop();',
    'const FENCED_INSTANCE_ID = 82;',
    'const codes = { NOT_COORDINATOR: 16 };',
    'switch (part.errorCode) { case 3: break; }',
    'const passing = new Set([-1, 3]); if (passing.has(errorCode)) wait();',
    'if ([14, 15].includes(errorCode)) wait();',
  ])('are found in: %s', (code) => expect(literalsOf('x.ts', code)).not.toEqual([]));

  it.each([
    'if (answer.errorCode === 0) done();',
    'if (answer.errorCode !== KafkaError.NONE) fail();',
    'const LIMIT = 82;',
    'const sizes = [1, 2]; use(sizes);',
  ])('are not found in: %s', (code) => expect(literalsOf('x.ts', code)).toEqual([]));
});

function literalCodesIn(name: string): string[] {
  return literalsOf(name, readFileSync(join(ROOT, name), 'utf8'));
}

/** Comparisons of error codes with numbers other than 0, their names given numbers, and lists of numbers beside them. */
function literalsOf(name: string, text: string): string[] {
  const found: string[] = [];
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const aboutCodes = /errorCode/i.test(text);
  const names = new Set([...KAFKA_ERRORS.values()].map((error) => error.name));
  const visit = (node: ts.Node): void => {
    if (isLiteralCode(node, aboutCodes, names)) found.push(`${name}: ${node.getText()}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isLiteralCode(node: ts.Node, aboutCodes: boolean, names: ReadonlySet<string>): boolean {
  if (ts.isBinaryExpression(node)) {
    const comparison = /^[=!]==?$/.test(node.operatorToken.getText());
    const sides = [node.left, node.right];
    const aboutCode = sides.some((side) => /errorCode$/i.test(side.getText()));
    return comparison && aboutCode && sides.some((side) => isNumber(side) && side.getText() !== '0');
  }
  if (ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node)) {
    return names.has(node.name.getText()) && node.initializer !== undefined && isNumber(node.initializer);
  }
  if (ts.isCaseClause(node))
    return /errorCode\)?$/i.test(node.parent.parent.expression.getText()) && isNumber(node.expression);
  if (ts.isArrayLiteralExpression(node)) {
    const { parent } = node;
    const isSet = ts.isNewExpression(parent) && parent.expression.getText() === 'Set';
    const isList = ts.isPropertyAccessExpression(parent) && parent.name.text === 'includes';
    return aboutCodes && (isSet || isList) && node.elements.some(isNumber);
  }
  return false;
}

function isNumber(node: ts.Node): boolean {
  return ts.isNumericLiteral(node) || (ts.isPrefixUnaryExpression(node) && ts.isNumericLiteral(node.operand));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
