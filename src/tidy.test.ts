import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { ALL_APIS } from './kafka/protocol/all-apis';
import type { KafkaApi, Throttled } from './kafka/protocol/api';

/** Reads the repository: what no type checks, and what a reader of the documents relies on. */
const ROOT = join(__dirname, '..');
const MAX_SOURCE_LINES = 400;
const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.tidemark']);

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(path);
    return [path];
  });
}

/** Path from the repository's root, with slashes. */
function nameOf(path: string): string {
  return relative(ROOT, path).split(sep).join('/');
}

function textOf(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

const everything = filesBelow(ROOT).map(nameOf);
const isTest = (name: string): boolean => /\.test\.ts$|\/testing\//.test(name);
const sources = everything.filter((name) => /^src\/.*\.ts$/.test(name) && !isTest(name));
const pages = everything.filter((name) => name.endsWith('.md'));

/** What a source imports or requires, types included. */
function importsOf(name: string): string[] {
  return ts.preProcessFile(textOf(name), true, true).importedFiles.map(({ fileName }) => fileName);
}

/** `Date.now` and the like, wherever the source names them in code: `object.property`. */
function propertiesOf(name: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) found.push(`${node.expression.getText()}.${node.name.text}`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(name, textOf(name), ts.ScriptTarget.Latest, true));
  return found;
}

/** Checking types takes seconds, on a busy machine many. */
jest.setTimeout(120_000);

describe('sources', () => {
  it('are there', () => {
    expect(sources.length).toBeGreaterThan(200);
  });

  it(`have at most ${MAX_SOURCE_LINES} lines`, () => {
    const long = sources.filter((name) => textOf(name).trimEnd().split('\n').length > MAX_SOURCE_LINES);
    expect(long).toEqual([]);
  });

  it.each([
    ['kafkajs', /^src\/kafka\//],
    ['classic-level', /^src\/state\/leveldb\//],
  ])('import %s in one place only', (module, place) => {
    const importers = sources.filter((name) =>
      importsOf(name).some((target) => target === module || target.startsWith(`${module}/`)),
    );
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((name) => !place.test(name))).toEqual([]);
  });

  it('read clock and chance in one place only', () => {
    // Starting real servers is no part of what a simulation drives.
    const allowed = /^src\/util\/system\.ts$|^src\/provision\//;
    const impure = new Set(['Date.now', 'Math.random', 'performance.now']);
    const readers = sources.filter((name) => propertiesOf(name).some((property) => impure.has(property)));
    expect(readers).toContain('src/util/system.ts');
    expect(readers.filter((name) => !allowed.test(name))).toEqual([]);
  });

  it('decide in protocol folders without any means to act', () => {
    const decisions = sources.filter((name) => /^src\/(epoch|checkpoint)\/protocol\//.test(name));
    const impure = decisions.flatMap((name) =>
      importsOf(name)
        .map((target) => (target.startsWith('.') ? nameOf(resolve(ROOT, dirname(name), target)) : target))
        .filter((target) => dirname(target) !== dirname(name) && target !== 'src/util/asserts')
        .map((target) => `${name} imports ${target}`),
    );
    expect(decisions.length).toBeGreaterThan(0);
    expect(impure).toEqual([]);
  });

  it('encode requests and answers without any means to act', () => {
    const impure = sources
      .filter((name) => /^src\/kafka\/protocol\//.test(name))
      .flatMap((name) => importsOf(name).map((target) => `${name} imports ${target}`))
      .filter((line) => !/ imports (\.\/|\.\.\/port$|\.\.\/\.\.\/util\/(asserts|byte-writer)$)/.test(line));
    expect(impure).toEqual([]);
  });

  it('leave nothing for later', () => {
    const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
    const code = everything.filter((name) => /\.(ts|js|java|sh|md)$/.test(name));
    expect(code.filter((name) => marks.test(textOf(name)))).toEqual([]);
  });

  it('say what each public export is', () => {
    const undocumented = publicExports().filter(({ comment }) => comment === '');
    expect(undocumented.map(({ name }) => name)).toEqual([]);
  });
});

function publicExports(): { readonly name: string; readonly comment: string }[] {
  const entry = join(ROOT, 'src', 'index.ts');
  const program = ts.createProgram([entry], { ...compilerOptions(), noEmit: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.Node) as ts.Symbol;
  return checker.getExportsOfModule(module).map((exported) => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    return { name: exported.name, comment: ts.displayPartsToString(symbol.getDocumentationComment(checker)) };
  });
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.test.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: ['src/index.ts'] }, ts.sys, ROOT)
    .options;
}

describe('documents', () => {
  it('name every folder of src in ARCHITECTURE.md', () => {
    const folders = [...new Set(sources.map(dirname))].filter((folder) => folder !== 'src');
    const architecture = textOf('ARCHITECTURE.md');
    expect(folders.filter((folder) => !architecture.includes(`\`${folder}\``))).toEqual([]);
  });

  it('name no folder in ARCHITECTURE.md that is not there', () => {
    const named = [...textOf('ARCHITECTURE.md').matchAll(/^\| `(src\/[^`]+)` \|/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((folder) => !sources.some((name) => name.startsWith(`${folder}/`)))).toEqual([]);
  });

  it('list every decision', () => {
    const index = textOf('docs/decisions/README.md');
    const decisions = pages
      .filter((name) => /^docs\/decisions\/\d{4}-/.test(name))
      .map((name) => name.slice(15));
    expect(decisions.length).toBeGreaterThan(0);
    expect(decisions.filter((page) => !index.includes(`(${page})`))).toEqual([]);
  });

  it('give each decision a number of its own', () => {
    const numbers = pages.flatMap((name) => /^docs\/decisions\/(\d{4})-/.exec(name)?.[1] ?? []);
    expect(numbers).toEqual([...new Set(numbers)]);
  });

  it('link only to what is there', () => {
    expect(pages.flatMap(brokenLinksOf)).toEqual([]);
  });

  it('show the example in the README as it is', () => {
    const blocks = codeBlocksOf('README.md', 'ts');
    expect(blocks).toContain(textOf('examples/click-counts.ts'));
  });

  it('have examples that compile', () => {
    const documents = pages.filter((name) => name === 'README.md' || name.startsWith('docs/'));
    const examples = documents.flatMap((name) =>
      codeBlocksOf(name, 'ts').map((code, index) => ({
        name: `${name.replaceAll('/', '-')}.${index}.ts`,
        code,
      })),
    );
    expect(examples.length).toBeGreaterThan(2);
    expect(complaintsAbout(examples)).toEqual([]);
  });

  it('state the API versions that are spoken', async () => {
    const stated = [...textOf('docs/internals/wire.md').matchAll(/^\| (\w+) \| (\d+) \| ([\d to]+) \|/gm)];
    const table = stated.map(([, name, key, versions]) => `${name} ${key} ${versions}`).sort();
    expect(table).toEqual((await spokenApis()).sort());
    expect(ALL_APIS.map(textOfApi).sort()).toEqual(table);
  });
});

async function spokenApis(): Promise<string[]> {
  const modules = sources.filter((name) => name.startsWith('src/kafka/protocol/'));
  const exported = await Promise.all(modules.map((name) => import(join(ROOT, name)) as Promise<object>));
  return exported
    .flatMap((module) => Object.values(module) as unknown[])
    .filter(
      (value): value is KafkaApi<never, Throttled> =>
        typeof value === 'object' && value !== null && 'maxVersion' in value,
    )
    .map(textOfApi);
}

function textOfApi({ name, key, minVersion, maxVersion }: KafkaApi<never, Throttled>): string {
  const versions = minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`;
  return `${name} ${key} ${versions}`;
}

/** The fenced blocks of a page in one language. */
function codeBlocksOf(page: string, language: string): string[] {
  return [...textOf(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, tongue, code]) =>
    tongue === language && code !== undefined ? [code] : [],
  );
}

/**
 * Type errors of modules that exist only in a page, as if they lay in the root. They may await at their top level, and
 * leave out what only an index out of range needs.
 */
function complaintsAbout(examples: readonly { readonly name: string; readonly code: string }[]): string[] {
  const { ESNext } = ts.ModuleKind;
  const moduleResolution = ts.ModuleResolutionKind.Bundler;
  const asInPages = { module: ESNext, moduleResolution, noUncheckedIndexedAccess: false };
  const options = { ...compilerOptions(), noEmit: true, ...asInPages };
  const texts = new Map(examples.map(({ name, code }) => [join(ROOT, name), code]));
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(
      ({ messageText }) => `${nameOf(path)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

function brokenLinksOf(page: string): string[] {
  const prose = textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map((match) => match[1] ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target) && !resolves(page, target))
    .map((target) => `${page}: ${target}`);
}

function resolves(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const absolute = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
  if (!existsSync(absolute)) return false;
  if (anchor === undefined) return true;
  return statSync(absolute).isFile() && anchorsOf(nameOf(absolute)).includes(anchor);
}

/** Headings as GitHub makes anchors of them. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
