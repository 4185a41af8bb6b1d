import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ParseResult } from './parse-result';
import { absolutePath } from './paths';

/**
 * A folder of the checkpoint storage, as `file:///…` or `s3://bucket/prefix` without a slash at the end.
 * A plain path is taken for a file location.
 */
export function parseLocation(text: string): ParseResult {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (text === '') return { ok: false, problem: 'must be a file:// or s3:// location, and is empty' };
  if (scheme === undefined) return { ok: true, value: fileLocation(absolutePath(text)) };
  if (scheme === 'file') return parseFileUrl(text);
  if (scheme === 's3') return parseS3(text);
  const problem = `must be a file:// or s3:// location, and is '${text}'`;
  return {
    ok: false,
    problem,
    hint: SCHEME_HINTS[scheme] ?? 'use file:// with a folder that all instances see, or s3://',
  };
}

const SCHEME_HINTS: Readonly<Record<string, string>> = {
  hdfs: 'HDFS has no client for Node.js; mount it (NFS gateway or fuse) and use file://, or use an S3 gateway and s3://',
  s3a: 'write s3:// instead',
  s3n: 'write s3:// instead',
  s3p: 'write s3:// instead',
};

/** `/a/b/` → `file:///a/b`. */
export function fileLocation(absolute: string): string {
  return withoutEndSlash(pathToFileURL(absolute).href);
}

function parseFileUrl(text: string): ParseResult {
  try {
    return { ok: true, value: fileLocation(fileURLToPath(text)) };
  } catch {
    return {
      ok: false,
      problem: `must be file:// and an absolute path, and is '${text}'`,
      hint: 'write three slashes, as in file:///var/lib/tidemark',
    };
  }
}

function parseS3(text: string): ParseResult {
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(\/.*)?$/i.exec(text)?.[1];
  if (bucket === undefined)
    return { ok: false, problem: `must name a bucket as in s3://bucket/prefix, and is '${text}'` };
  return { ok: true, value: withoutEndSlash(text) };
}

function withoutEndSlash(location: string): string {
  return location.replace(/(?<=[^/])\/+$/, '');
}
