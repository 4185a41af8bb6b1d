import { OPTIONS, type OptionKey } from './options';
import { checkpointingOptions } from './options/checkpointing';
import { executionOptions } from './options/execution';
import { instanceOptions } from './options/instance';
import { kafkaOptions } from './options/kafka';
import { restartOptions } from './options/restart';
import { securityOptions } from './options/security';
import { stateOptions } from './options/state';
import { envName, type OptionSpec, type OptionTable } from './option-spec';

const SECTIONS: readonly (readonly [string, OptionTable])[] = [
  ['Instance', instanceOptions],
  ['Epochs and parallelism', executionOptions],
  ['Checkpoints', checkpointingOptions],
  ['State and bad input', stateOptions],
  ['Restarts', restartOptions],
  ['Kafka', kafkaOptions],
  ['Kafka: encryption and login', securityOptions],
];

const HEAD = `# Configuration

<!-- Generated from the option table in src/config by scripts/generate-config-docs.ts; do not edit. -->

One table of options serves code, files, the environment and the command line. Options that Apache Flink has carry
Flink's names.

## Where a value comes from

Strongest first:

1. the command line: a flag such as \`--brokers\`, or \`--set KEY=VALUE\`
2. the environment: \`TIDEMARK_\` and the key in capitals, dots and dashes as underscores
3. the file given with \`--config\`, YAML or JSON, keys nested or dotted
4. code: the options object that a program passes, with the names of the column *in code*
5. the default

- A value that a stronger one overrides is checked all the same. An option given twice with different values at one
  level is refused.
- An unknown key is refused, with the nearest known one. An unknown environment variable is not, because platforms set
  variables of their own; one that looks like a misspelt option is reported at start.
- An empty environment variable counts as not set.
- Options of scope *job* must be the same on every instance; those of scope *instance* may differ.

Error codes: TM1001 (unknown or malformed), TM1002 (contradictory), TM1009 (file), see [errors.md](errors.md).

## How values are written

| type | written as |
| --- | --- |
| duration | a number and a unit: \`ms\`, \`s\`, \`min\`, \`h\`, \`d\`; without a unit milliseconds. \`60s\`, \`10 min\`, \`500ms\` |
| bytes | a number and a unit: \`b\`, \`kb\`, \`mb\`, \`gb\`, steps of 1024 as in Flink; without a unit bytes. \`64mb\`, \`1 mib\` |
| path | absolute, below \`~/\`, or against the working directory |
| location | \`file:///folder\`, a plain path, or \`s3://bucket/prefix\` |
| list | separated by commas; in files and code also an array |
`;

/** docs/configuration.md, from the option table. */
export function configurationPage(): string {
  const sections = SECTIONS.map(
    ([title, table]) => `## ${title}\n\n${Object.entries(table).map(entry).join('\n')}`,
  );
  return `${[HEAD, ...sections].join('\n')}`;
}

function entry([key, spec]: [string, OptionSpec]): string {
  const rows = [
    ['type', typeText(spec)],
    ['default', defaultText(spec)],
    ['environment', `\`${envName(key)}\``],
    ['in code', `\`${spec.code}\``],
    ['scope', spec.scope],
  ];
  if (spec.flag !== undefined) rows.push(['flag', `\`${spec.flag}\``]);
  if (spec.aliases !== undefined)
    rows.push(['also taken', spec.aliases.map((name) => `\`${name}\``).join(', ')]);
  if (spec.secret === true) rows.push(['secret', 'never printed']);
  if (spec.pending !== undefined)
    rows.push(['in this release', `checked, but does nothing: ${spec.pending}`]);
  const table = rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n');
  return `### \`${key}\`\n\n${spec.doc}\n\n| | |\n| --- | --- |\n${table}\n`;
}

function typeText(spec: OptionSpec): string {
  switch (spec.type) {
    case 'enum':
      return spec.values.map((value) => `\`${value}\``).join(', ');
    case 'int':
    case 'number':
      return `${spec.type}, ${spec.min} to ${spec.max}${spec.type === 'int' && spec.unlimited ? ', or `unlimited`' : ''}`;
    default:
      return spec.type;
  }
}

function defaultText(spec: OptionSpec): string {
  if (spec.defaultText !== undefined) return spec.defaultText;
  if (Array.isArray(spec.default)) return 'none';
  return `\`${String(spec.default)}\``;
}

/** Keys that no section shows; a test asks for none. */
export function undocumentedKeys(): OptionKey[] {
  const shown = new Set(SECTIONS.flatMap(([, table]) => Object.keys(table)));
  return (Object.keys(OPTIONS) as OptionKey[]).filter((key) => !shown.has(key));
}
