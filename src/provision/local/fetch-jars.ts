import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command';

const FETCH_LIMIT_MS = 10 * 60_000;
const CHECK_LIMIT_MS = 30_000;
const SLF4J_VERSION = '1.7.36';

/** @returns undefined when Maven can be run, else the reason */
export async function whyNoMaven(): Promise<string | undefined> {
  const { code } = await runCommand('mvn', ['-v'], { limitMs: CHECK_LIMIT_MS });
  return code === 0 ? undefined : "'mvn' (Apache Maven) cannot be run";
}

/**
 * Copies the jars of Apache Kafka's server and all that it needs from Maven's repositories, as the user's Maven is set up, into `libs`.
 * @throws Error with the end of Maven's output
 */
export async function fetchServerJars(version: string, libs: string): Promise<void> {
  const project = await mkdtemp(join(tmpdir(), 'tidemark-maven-'));
  try {
    await writeFile(join(project, 'pom.xml'), renderPom(version));
    const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${libs}`];
    const { code, output } = await runCommand('mvn', args, { limitMs: FETCH_LIMIT_MS, cwd: project });
    if (code !== 0) throw new Error(`Maven could not fetch Kafka ${version}: ${firstError(output)}`);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

/**
 * The Maven project whose dependencies are the server. `kafka-tools-api` is excluded because some releases name it without
 * publishing it; slf4j-simple makes the server log to its standard error.
 */
export function renderPom(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark.local</groupId>
  <artifactId>kafka-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
      <exclusions>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>${SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
}

function firstError(output: string): string {
  const line = output.split('\n').find((candidate) => candidate.includes('ERROR'));
  return (line ?? output.slice(-300)).replaceAll('[ERROR]', '').trim() || 'no output';
}
