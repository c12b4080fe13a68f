/** Waiting between tries. */
import { setTimeout as timeout } from 'node:timers/promises';

const LONGEST_MS = 60_000;

/** Raises AbortError as soon as the signal says so. @param {number} ms @param {AbortSignal} signal */
export async function pause(ms, signal) {
  await timeout(ms, undefined, { signal });
}

/** `Retry-After` as seconds or as a date (RFC 9110 §10.2.3), at most a minute; undefined when there is none. @param {Headers} headers */
export function retryAfterMs(headers) {
  const text = headers.get('retry-after');
  if (!text) return undefined;
  const ms = /^\d+$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_MS);
}
