'use strict';

const swc = [
  '@swc/jest',
  {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

const common = {
  testEnvironment: 'node',
  transform: { '^.+\\.ts$': swc },
  moduleNameMapper: { '^tidemark$': '<rootDir>/src/index.ts' },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/src/**/*.test.ts'] },
    { ...common, displayName: 'connectors', testMatch: ['<rootDir>/connectors/*/src/**/*.test.ts'] },
    {
      ...common,
      displayName: 'integration',
      testMatch: ['<rootDir>/integration-tests/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/integration-tests/docker/'],
    },
    { ...common, displayName: 'docker', testMatch: ['<rootDir>/integration-tests/docker/**/*.test.ts'] },
  ],
};
