/** What the receiver takes: bounds, counts, and the wait for a quiet moment. Shared by OTLP/HTTP and OTLP/gRPC. */
import { Spool } from './spool.js';

/** The server's default limit of a request body. */
export const BODY_LIMIT_BYTES = 20 * 1024 * 1024;
const SPOOL_LIMIT_BYTES = 4 * 1024 * 1024 * 1024;

/** A request that is answered with an error; `status` is HTTP's, `lost` whether traces are missing because of it. */
export class Refusal extends Error {
  /** @param {number} status @param {string} message @param {boolean} lost */
  constructor(status, message, lost) {
    super(message);
    this.status = status;
    this.lost = lost;
  }
}

export class Intake {
  #spool;
  #bytes = 0;
  #busy = 0;
  #last = Date.now();
  #requests = 0;
  #refused = 0;
  #reason = '';

  /** @param {string} directory */
  constructor(directory) {
    this.#spool = new Spool(directory);
  }

  /** Trace requests taken, trace requests refused, and why the last one was. */
  get counts() {
    return { requests: this.#requests, refused: this.#refused, reason: this.#reason };
  }

  /**
   * Run one request. A refusal that loses traces is counted. A client that hangs up tries again, or knows why not.
   * @template T @param {() => Promise<T>} work @returns {Promise<T>}
   */
  async during(work) {
    this.#busy += 1;
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal && error.lost) {
        this.#refused += 1;
        this.#reason = error.message;
      }
      throw error;
    } finally {
      this.#busy -= 1;
      this.#last = Date.now();
    }
  }

  /** Store one body; returns when it is in its file. @param {Buffer} body @param {string} extension */
  async add(body, extension) {
    if (this.#bytes + body.length > SPOOL_LIMIT_BYTES) throw new Refusal(413, `the receiver already holds ${SPOOL_LIMIT_BYTES} bytes of traces`, true);
    this.#bytes += body.length;
    try {
      await this.#spool.add(body, extension);
    } catch (error) {
      throw new Refusal(500, `a request body cannot be written: ${error instanceof Error ? error.message : error}`, true);
    }
    this.#requests += 1;
  }

  /** Until no request has come for `quietMs`, at most ten times as long. @param {number} quietMs */
  async quiet(quietMs) {
    const end = Date.now() + 10 * quietMs;
    while (Date.now() < end && (this.#busy > 0 || Date.now() - this.#last < quietMs)) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** The whole body of a request. Raises Refusal over the limit. @param {AsyncIterable<Buffer>} stream @param {boolean} traces @param {number} [limit] */
export async function readBody(stream, traces, limit = BODY_LIMIT_BYTES) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) throw new Refusal(413, `a request body has more than ${limit} bytes; let the exporter send smaller batches`, traces);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
