/** The conversation with a Spangate server: create a run, upload, finish, wait for the verdict, fetch reports. */
import { ToolError, reasonOf } from './errors.js';
import { pause, retryAfterMs } from './retry.js';

const TRIES = 6;
const TIMEOUT_MS = 60_000;
const POLL_SECONDS = 25;
const RETRIED = new Set([429, 502, 503, 504]);

/** What `waiting for a verdict` may answer. @typedef {{conclusion: string, findings: any[], flows: any[], reasons: string[]}} Verdict */

export class Server {
  #url;
  #token;
  #project;
  #signal;

  /** @param {{server: string, token: string, project: string}} inputs @param {AbortSignal} signal */
  constructor({ server, token, project }, signal) {
    this.#url = server;
    this.#token = token;
    this.#project = project;
    this.#signal = signal;
  }

  /** Repeating it is the same run, because the id is ours. @param {Record<string, unknown>} run @returns {Promise<{id: string}>} */
  async createRun(run) {
    return this.#json(await this.#send('POST', '/api/v1/runs', { body: JSON.stringify(run) }));
  }

  /**
   * One OTLP request body. Returns what the server did not take, in words; empty when it took all.
   * @param {string} runId @param {Buffer} body @param {Record<string, string>} headers
   */
  async upload(runId, body, headers) {
    const response = await this.#send('POST', '/v1/traces', { body, headers: { ...headers, 'x-spangate-run': runId } });
    return partialSuccess(response.headers.get('content-type') ?? '', Buffer.from(await response.arrayBuffer()));
  }

  /** @param {string} runId */
  async finish(runId) {
    await this.#json(await this.#send('POST', `/api/v1/runs/${encodeURIComponent(runId)}/finish`, { body: '{}' }));
  }

  /**
   * Raises ToolError when there is none after `seconds`.
   * @param {string} runId @param {number} seconds @returns {Promise<Verdict>}
   */
  async verdict(runId, seconds) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      const asked = Date.now();
      const wait = Math.min(POLL_SECONDS, left);
      const response = await this.#send('GET', `/api/v1/runs/${encodeURIComponent(runId)}/verdict`, { query: { wait: String(wait) } });
      const answer = await this.#json(response);
      if (response.status !== 202) return answer;
      if (Date.now() >= end) {
        throw new ToolError(`No verdict within ${seconds} s: ${answer.reason || 'the server is still waiting'}.`, { hint: 'Raise the input wait, or look at the run on the server.' });
      }
      if (Date.now() - asked < 500) await pause(500, this.#signal);
    }
  }

  /** @param {string} runId @param {string} format @param {number} [limit] characters */
  async report(runId, format, limit) {
    const query = { format, ...(limit ? { limit: String(limit) } : {}) };
    return (await this.#send('GET', `/api/v1/runs/${encodeURIComponent(runId)}/report`, { query })).text();
  }

  /**
   * One request, repeated while the server says that it may be, or cannot be reached.
   * @param {string} method @param {string} path
   * @param {{body?: string | Buffer, headers?: Record<string, string>, query?: Record<string, string>}} [more]
   */
  async #send(method, path, { body, headers = {}, query = {} } = {}) {
    const url = new URL(this.#url + path);
    for (const [name, value] of Object.entries({ ...query, ...(this.#project ? { project: this.#project } : {}) })) url.searchParams.set(name, value);
    const what = `${method} ${url.origin}${url.pathname}`;
    for (let attempt = 1; ; attempt += 1) {
      let delay = 500 * 2 ** (attempt - 1);
      try {
        const response = await fetch(url, {
          method,
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
          headers: {
            'user-agent': 'spangate-action',
            ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
            ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
            ...headers,
          },
          redirect: 'manual',
          signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        if (response.ok) return response;
        const problem = await explain(what, response);
        if (!RETRIED.has(response.status) || attempt === TRIES) throw problem;
        delay = retryAfterMs(response.headers) ?? delay;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof ToolError) throw error;
        if (attempt === TRIES) {
          throw new ToolError(`The Spangate server cannot be reached: ${what}: ${reasonOf(error)}.`, { hint: hintFor(error), cause: error });
        }
      }
      await pause(delay, this.#signal);
    }
  }

  /** @param {Response} response @returns {Promise<any>} */
  async #json(response) {
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new ToolError(`${response.url} answered ${JSON.stringify(text.slice(0, 80))} instead of JSON.`, { hint: 'Is the input server the base URL of a Spangate server?' });
    }
  }
}

/** @param {string} what @param {Response} response */
async function explain(what, response) {
  const { status } = response;
  const text = await response.text().catch(() => '');
  if (status >= 300 && status < 400) {
    return new ToolError(`${what} is redirected to ${response.headers.get('location')}.`, { hint: 'Give that address in the input server.' });
  }
  const problem = problemIn(text);
  const hint =
    problem.hint || (status === 401 ? 'Set the input token to a token of this server, from a secret.' : status === 403 ? 'The token needs the scopes ingest and read.' : '');
  return new ToolError(`${what} was answered with ${status}${problem.detail ? `: ${problem.detail}` : '.'}`, { hint, status });
}

/** @param {string} text an `application/problem+json` body, or anything @returns {{detail: string, hint: string}} */
function problemIn(text) {
  try {
    const problem = JSON.parse(text);
    const part = (/** @type {unknown} */ value) => (typeof value === 'string' ? value : '');
    return { detail: part(problem.detail) || part(problem.title) || part(problem.message), hint: part(problem.hint) };
  } catch {
    return { detail: '', hint: '' };
  }
}

/** @param {unknown} error */
function hintFor(error) {
  const code = error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : '';
  if (/CERT|SELF_SIGNED|TLS/u.test(code)) return 'For a private certificate authority set NODE_EXTRA_CA_CERTS on the job.';
  return 'Is the input server right, and does this runner reach it? Behind a proxy set NODE_USE_ENV_PROXY=1 on the job.';
}

/** What an OTLP export answer says was rejected (`partial_success`: 1 rejected_spans, 2 error_message). @param {string} contentType @param {Buffer} body */
export function partialSuccess(contentType, body) {
  if (contentType.startsWith('application/json')) {
    const { rejectedSpans = 0, errorMessage = '' } = JSON.parse(body.toString() || '{}').partialSuccess ?? {};
    return Number(rejectedSpans) > 0 ? `${rejectedSpans} spans rejected: ${errorMessage}` : String(errorMessage);
  }
  const [partial] = fields(body).filter(({ number }) => number === 1);
  let rejected = 0n;
  let message = '';
  for (const { number, value } of partial?.value instanceof Buffer ? fields(partial.value) : []) {
    if (number === 1 && typeof value === 'bigint') rejected = value;
    if (number === 2 && value instanceof Buffer) message = value.toString();
  }
  return rejected > 0n ? `${rejected} spans rejected: ${message}` : message;
}

/** Varint and length-delimited fields of a protobuf message; stops at anything else. @param {Buffer} message */
function fields(message) {
  /** @type {{number: number, value: bigint | Buffer}[]} */
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; at < message.length; shift += 7n) {
      const byte = message[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = Number(varint());
    if ((tag & 7) === 0) found.push({ number: tag >> 3, value: varint() });
    else if ((tag & 7) === 2) {
      const length = Number(varint());
      found.push({ number: tag >> 3, value: message.subarray(at, at + length) });
      at += length;
    } else break;
  }
  return found;
}
