/**
 * OTLP/HTTP: `POST /v1/traces` is spooled, metrics and logs are taken and dropped (an SDK told to export everything
 * must not fill the job's log with errors), and `POST /stop` with the session's key ends the receiver.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Intake, readBody, Refusal } from './intake.js';
import { extensionFor } from './spool.js';

const DROPPED = new Set(['/v1/metrics', '/v1/logs', '/v1development/profiles']);

/**
 * @param {Intake} intake
 * @param {string} key
 * @param {(counts: Intake['counts']) => void} onStop called after the answer to `POST /stop` was sent
 */
export function httpReceiver(intake, key, onStop) {
  return createServer({ requestTimeout: 60_000 }, (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const work = path === '/stop' ? () => stop(request, response) : () => intake.during(() => receive(path, request, response));
    work().catch((error) => refuse(request, response, error));
  });

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function stop(request, response) {
    if (request.method !== 'POST' || !sameText(request.headers['x-spangate-key'], key)) throw new Refusal(404, 'there is nothing here', false);
    const quietMs = Number(new URL(request.url ?? '', 'http://receiver').searchParams.get('quiet') ?? '0') || 0;
    await intake.quiet(quietMs);
    const { counts } = intake;
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(counts), () => onStop(counts));
  }

  /** @param {string} path @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function receive(path, request, response) {
    const dropped = DROPPED.has(path);
    if (path !== '/v1/traces' && !dropped) throw new Refusal(404, `there is no ${path} here; OTLP/HTTP traces go to /v1/traces`, false);
    if (request.method !== 'POST') throw new Refusal(405, `${path} takes POST`, false);
    const contentType = request.headers['content-type'] ?? '';
    const extension = extensionFor(contentType, request.headers['content-encoding'] ?? '');
    if (!extension) {
      const encoding = JSON.stringify(request.headers['content-encoding'] ?? '');
      throw new Refusal(415, `content type ${JSON.stringify(contentType)} with encoding ${encoding} is not OTLP`, !dropped);
    }
    const body = await readBody(request, !dropped);
    if (!dropped) await intake.add(body, extension);
    const json = extension.startsWith('json');
    response.writeHead(200, { 'content-type': json ? 'application/json' : 'application/x-protobuf' });
    response.end(json ? '{}' : '');
  }
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response @param {unknown} error */
function refuse(request, response, error) {
  if (response.headersSent || response.destroyed) return;
  const status = error instanceof Refusal ? error.status : 500;
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...(status === 405 ? { allow: 'POST' } : {}) });
  response.end(JSON.stringify({ code: status === 404 ? 5 : 3, message: error instanceof Error ? error.message : String(error) }));
  request.resume();
}

/** @param {string | string[] | undefined} given @param {string} expected */
function sameText(given, expected) {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
