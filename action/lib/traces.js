/** Where the traces of a session are: what the receiver spooled, or the files that the workflow names. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { InputError, ToolError } from './errors.js';
import { headersOf, spooled } from './spool.js';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const INFLATED_LIMIT_BYTES = 1024 * 1024 * 1024;

/** @typedef {{body: Buffer, headers: Record<string, string>, source: string}} Upload */

/** The receiver's bodies, as paths. @param {string} spool */
export function spooledFiles(spool) {
  return spooled(spool).map((name) => join(spool, name));
}

/** The files that the globs match, each once. Raises InputError for a glob that leaves the file system's reach. @param {string[]} globs @param {string} workspace */
export function matchedFiles(globs, workspace) {
  const found = new Set();
  for (const glob of globs) {
    try {
      for (const path of globSync(glob, { cwd: workspace })) {
        const file = resolve(workspace, path);
        if (statSync(file, { throwIfNoEntry: false })?.isFile()) found.add(file);
      }
    } catch (error) {
      throw new InputError(`traces: ${JSON.stringify(glob)} cannot be searched: ${error instanceof Error ? error.message : error}`);
    }
  }
  return /** @type {string[]} */ ([...found]).sort();
}

/** The upload requests of one file: a spooled body as it is, an OTLP file as one request, a `.jsonl` as one a line. @param {string} path @param {string} spool @returns {Generator<Upload>} */
export function* uploadsOf(path, spool) {
  const content = readFileSync(path);
  if (resolve(path, '..') === resolve(spool)) {
    yield { body: content, headers: headersOf(basename(path)), source: basename(path) };
    return;
  }
  const body = inflated(path, content);
  const text = /^[\s\ufeff]*\{/u.test(body.subarray(0, 64).toString('latin1'));
  if (!text) {
    yield { body, headers: { 'content-type': 'application/x-protobuf' }, source: path };
    return;
  }
  const documents = wholeJson(body) ? [body.toString()] : body.toString().split('\n');
  for (const [index, document] of documents.entries()) {
    if (!document.trim()) continue;
    yield { body: Buffer.from(document), headers: { 'content-type': 'application/json' }, source: documents.length > 1 ? `${path}:${index + 1}` : path };
  }
}

/** @param {string} path @param {Buffer} content */
function inflated(path, content) {
  try {
    if (content.subarray(0, 2).equals(GZIP)) return gunzipSync(content, { maxOutputLength: INFLATED_LIMIT_BYTES });
    if (content.subarray(0, 4).equals(ZSTD)) return zstdDecompressSync(content, { maxOutputLength: INFLATED_LIMIT_BYTES });
  } catch (error) {
    throw new ToolError(`${path} cannot be decompressed: ${error instanceof Error ? error.message : error}.`, { hint: 'Is the file cut off?' });
  }
  return content;
}

/** @param {Buffer} body */
function wholeJson(body) {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}
