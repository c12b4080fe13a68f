/**
 * OTLP request bodies as files, exactly as they came: `000001.pb`, `000002.json.gz`, `000003.pb.zst`.
 * The name says content type and encoding; `spangate check` finds both out by content.
 */
import { readdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const TYPES = new Map([
  ['application/x-protobuf', 'pb'],
  ['application/protobuf', 'pb'],
  ['application/json', 'json'],
]);
const ENCODINGS = new Map([
  ['', ''],
  ['identity', ''],
  ['gzip', '.gz'],
  ['zstd', '.zst'],
]);
const NAME = /^\d{6,}\.(pb|json)(\.gz|\.zst)?$/u;

/** The file extension for a request; empty for a type or encoding that is not OTLP. @param {string} contentType @param {string} contentEncoding */
export function extensionFor(contentType, contentEncoding) {
  const type = TYPES.get((contentType.split(';')[0] ?? '').trim().toLowerCase());
  const encoding = ENCODINGS.get(contentEncoding.trim().toLowerCase());
  return type === undefined || encoding === undefined ? '' : `${type}${encoding}`;
}

/** The request headers of a spooled body. @param {string} name */
export function headersOf(name) {
  const [, type, encoding] = NAME.exec(name) ?? [];
  /** @type {Record<string, string>} */
  const headers = { 'content-type': type === 'json' ? 'application/json' : 'application/x-protobuf' };
  if (encoding) headers['content-encoding'] = encoding === '.gz' ? 'gzip' : 'zstd';
  return headers;
}

/** Names of the complete bodies, in the order in which they came. @param {string} directory */
export function spooled(directory) {
  return readdirSync(directory).filter((name) => NAME.test(name)).sort((a, b) => parseInt(a, 10) - parseInt(b, 10));
}

/** A writer into one directory. A body appears only when all of it is there; until then its file is hidden, also from globs and artifacts. */
export class Spool {
  #directory;
  #count = 0;

  /** @param {string} directory */
  constructor(directory) {
    this.#directory = directory;
  }

  /** @param {Buffer} body @param {string} extension of `extensionFor` */
  async add(body, extension) {
    const name = `${String(++this.#count).padStart(6, '0')}.${extension}`;
    const part = join(this.#directory, `.${name}.part`);
    await writeFile(part, body);
    await rename(part, join(this.#directory, name));
  }
}
