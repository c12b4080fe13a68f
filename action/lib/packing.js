/** Many small request bodies as few files, because a command line is short (32 KiB on Windows). */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { BODY_LIMIT_BYTES } from './intake.js';

const MOST_FILES = 100;
const PACK_BYTES = 64 * 1024 * 1024;

/**
 * The same traces in at most about a hundred files. Encoded protobuf messages of one type put together are one message
 * with the repeated fields of all; JSON documents become lines (raw line ends occur only between tokens).
 * A body that cannot be inflated, or inflates to more than is sane, stays a file of its own, for the command to name.
 * @param {string[]} files spooled bodies
 * @param {string} directory where packs go
 */
export function packed(files, directory) {
  if (files.length <= MOST_FILES) return files;
  /** @type {Map<string, number>} */
  const sizes = new Map();
  /** @type {string[]} */
  const apart = [];
  const pack = { json: 0, pb: 0 };
  for (const file of files) {
    const json = /\.json(?:\.\w+)?$/u.test(file);
    const body = inflated(file);
    if (!body) {
      apart.push(file);
      continue;
    }
    const kind = json ? 'json' : 'pb';
    const name = () => join(directory, json ? `packed-${pack.json}.jsonl` : `packed-${pack.pb}.pb`);
    if ((sizes.get(name()) ?? 0) + body.length > PACK_BYTES) pack[kind] += 1;
    appendFileSync(name(), json ? `${body.toString().replaceAll(/[\r\n]+/gu, ' ')}\n` : body);
    sizes.set(name(), (sizes.get(name()) ?? 0) + body.length);
  }
  return [...sizes.keys(), ...apart];
}

/** @param {string} file */
function inflated(file) {
  const content = readFileSync(file);
  const bound = { maxOutputLength: 4 * BODY_LIMIT_BYTES };
  try {
    if (file.endsWith('.gz')) return gunzipSync(content, bound);
    if (file.endsWith('.zst')) return zstdDecompressSync(content, bound);
    return content;
  } catch {
    return null;
  }
}
