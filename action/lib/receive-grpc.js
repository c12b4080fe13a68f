/**
 * OTLP/gRPC over plain HTTP/2: unary `Export` of the trace service is spooled, of metrics and logs taken and dropped.
 * A message is framed by one byte (compressed or not) and four bytes of length; the status comes in the trailers.
 */
import { constants, createServer } from 'node:http2';
import { BODY_LIMIT_BYTES, Intake, readBody, Refusal } from './intake.js';
import { extensionFor } from './spool.js';

const SERVICE = /^\/opentelemetry\.proto\.collector\.(trace|metrics|logs)\.v1\.(Trace|Metrics|Logs)Service\/Export$/u;
const EMPTY_MESSAGE = Buffer.alloc(5);
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

/** @param {Intake} intake */
export function grpcReceiver(intake) {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.close(constants.NGHTTP2_CANCEL));
    intake
      .during(() => receive(stream, headers))
      .then(() => answer(stream, 0, ''))
      .catch((error) => answer(stream, statusOf(error), error instanceof Error ? error.message : String(error)));
  });
  return server;

  /** @param {import('node:http2').ServerHttp2Stream} stream @param {import('node:http2').IncomingHttpHeaders} headers */
  async function receive(stream, headers) {
    const service = SERVICE.exec(headers[':path'] ?? '');
    if (!service) throw new Refusal(404, `there is no ${headers[':path']} here`, false);
    const traces = service[1] === 'trace';
    const body = await readBody(stream, traces, BODY_LIMIT_BYTES + EMPTY_MESSAGE.length);
    const length = body.length >= 5 ? body.readUInt32BE(1) : -1;
    if (body.length !== length + 5) throw new Refusal(400, 'not exactly one gRPC message', traces);
    const encoding = body[0] === 1 ? String(headers['grpc-encoding'] ?? '') : 'identity';
    const extension = extensionFor('application/x-protobuf', encoding);
    if (!extension) throw new Refusal(415, `compression ${JSON.stringify(encoding)} is not supported; use gzip or none`, traces);
    if (traces) await intake.add(body.subarray(5), extension);
  }
}

/** @param {unknown} error */
function statusOf(error) {
  const status = error instanceof Refusal ? error.status : 500;
  return { 400: INVALID_ARGUMENT, 404: UNIMPLEMENTED, 413: RESOURCE_EXHAUSTED, 415: UNIMPLEMENTED }[status] ?? INTERNAL;
}

/** @param {import('node:http2').ServerHttp2Stream} stream @param {number} status @param {string} message */
function answer(stream, status, message) {
  if (stream.destroyed || stream.headersSent) return;
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status), ...(message ? { 'grpc-message': encodeURI(message) } : {}) }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity,gzip' }, { waitForTrailers: true });
  stream.end(status === 0 ? EMPTY_MESSAGE : undefined);
}
