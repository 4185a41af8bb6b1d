'use strict';

const js = require('@eslint/js');
const tseslint = require('typescript-eslint');
const importX = require('eslint-plugin-import-x');

/** Folders that a source folder must not import from: the arrows of ARCHITECTURE.md, as lint. */
const upper = ['./src/runtime', './src/cli', './src/server'];
const kafkaAndEpochs = ['./src/kafka', './src/epoch/transaction', './src/checkpoint'];
const zones = [
  { target: './src/dsl', from: [...upper, ...kafkaAndEpochs] },
  { target: './src/sql', from: [...upper, ...kafkaAndEpochs] },
  { target: './src/topology', from: [...upper, ...kafkaAndEpochs, './src/dsl'] },
  { target: './src/operators', from: [...upper, ...kafkaAndEpochs, './src/dsl'] },
  { target: './src/state', from: [...upper, ...kafkaAndEpochs, './src/dsl', './src/operators'] },
  { target: './src/kafka', from: [...upper, './src/epoch', './src/dsl', './src/operators'] },
  { target: './src/epoch', from: [...upper, './src/dsl'] },
  { target: './src/checkpoint', from: [...upper, './src/dsl'] },
  { target: './src/runtime', from: ['./src/cli', './src/server'] },
  { target: './src/epoch/protocol', from: ['./src'], except: ['./epoch/protocol', './util/asserts.ts'] },
  {
    target: './src/checkpoint/protocol',
    from: ['./src'],
    except: ['./checkpoint/protocol', './util/asserts.ts'],
  },
];

module.exports = tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'coverage/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: __dirname } },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { maxDepth: 4 }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/kafka/**', '**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: ['kafkajs', 'kafkajs/*'] }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/state/leveldb/**', 'src/kafka/**', '**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: ['kafkajs', 'kafkajs/*', 'classic-level'] }] },
  },
  {
    files: ['src/{epoch,state,checkpoint,runtime,operators,topology,dsl,source,sink,kafka}/**/*.ts'],
    ignores: ['**/*.test.ts', 'src/util/system.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock (src/util/ports.ts).' },
        { object: 'Math', property: 'random', message: 'Take a Random (src/util/ports.ts).' },
        { object: 'performance', property: 'now', message: 'Take a Clock (src/util/ports.ts).' },
      ],
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate'],
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['**/*.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        require: 'readonly',
        module: 'writable',
        __dirname: 'readonly',
        process: 'readonly',
        console: 'readonly',
      },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['**/*.test.ts', 'integration-tests/**/*.ts', 'benchmarks/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
);
