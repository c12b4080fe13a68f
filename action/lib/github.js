/** GitHub's REST API, as far as a comment and a status need it. Nothing that goes wrong here may change a verdict. */
import { reasonOf } from './errors.js';
import { pause, retryAfterMs } from './retry.js';

const TIMEOUT_MS = 20_000;
const TRIES = 3;
const LONGEST_PAUSE_MS = 30_000;

/** An answer that is not a success (`status` 0: none came). */
export class GitHubError extends Error {
  /** @param {string} message @param {number} status @param {boolean} rateLimited */
  constructor(message, status, rateLimited = false) {
    super(message);
    this.status = status;
    this.rateLimited = rateLimited;
  }
}

export class GitHub {
  #api;
  #graphql;
  #token;
  #signal;

  /** @param {Record<string, string | undefined>} env @param {string} token @param {AbortSignal} signal */
  constructor(env, token, signal) {
    this.#api = env.GITHUB_API_URL || 'https://api.github.com';
    this.#graphql = env.GITHUB_GRAPHQL_URL || 'https://api.github.com/graphql';
    this.#token = token;
    this.#signal = signal;
  }

  /** The answer's JSON. Raises GitHubError. @param {string} path @param {Record<string, string | number>} [query] @returns {Promise<any>} */
  async get(path, query = {}) {
    return (await this.#send('GET', this.#url(path, query))).json();
  }

  /** @param {string} method @param {string} path @param {object} body @returns {Promise<any>} */
  async write(method, path, body) {
    return (await this.#send(method, this.#url(path), body)).json();
  }

  /** All items of a list, page after page, as its `Link` header says. @param {string} path @param {Record<string, string | number>} [query] @returns {AsyncGenerator<any>} */
  async *list(path, query = {}) {
    /** @type {URL | null} */
    let url = this.#url(path, { ...query, per_page: 100 });
    while (url) {
      const response = await this.#send('GET', url);
      yield* await response.json();
      const next = /<([^>]+)>;\s*rel="next"/u.exec(response.headers.get('link') ?? '')?.[1];
      url = next && new URL(next).origin === new URL(this.#api).origin ? new URL(next) : null;
    }
  }

  /** The login that the token acts as, without `[bot]`; empty when GitHub does not tell. */
  async login() {
    try {
      const response = await this.#send('POST', new URL(this.#graphql), { query: VIEWER });
      return plainLogin((await response.json()).data?.viewer?.login);
    } catch (error) {
      if (error instanceof GitHubError) return '';
      throw error;
    }
  }

  /** @param {string} path @param {Record<string, string | number>} [query] */
  #url(path, query = {}) {
    const url = new URL(this.#api + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return url;
  }

  /** Repeats reads after a lost connection or a server's error, and anything that was refused for its rate. @param {string} method @param {URL} url @param {object} [body] */
  async #send(method, url, body) {
    for (let attempt = 1; ; attempt += 1) {
      let error;
      let delay = 1000 * attempt;
      try {
        const response = await fetch(url, {
          method,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          headers: {
            accept: 'application/vnd.github+json',
            authorization: `Bearer ${this.#token}`,
            'user-agent': 'spangate-action',
            'x-github-api-version': '2022-11-28',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
        });
        if (response.ok) return response;
        error = await errorOf(method, url, response);
        delay = retryAfterMs(response.headers) ?? delay;
      } catch (cause) {
        this.#signal.throwIfAborted();
        error = new GitHubError(`${method} ${url.origin}${url.pathname}: ${reasonOf(cause)}`, 0);
      }
      const again = error.rateLimited || (method === 'GET' && (error.status === 0 || error.status >= 500));
      if (!again || attempt === TRIES || delay > LONGEST_PAUSE_MS) throw error;
      await pause(delay, this.#signal);
    }
  }
}

/** GraphQL, because an installation's token may not ask `GET /user`. */
export const VIEWER = 'query { viewer { login } }';

/** REST names an app `name[bot]`, GraphQL sometimes `name`. @param {unknown} login */
export function plainLogin(login) {
  return typeof login === 'string' ? login.replace(/\[bot\]$/u, '') : '';
}

/** @param {string} method @param {URL} url @param {Response} response */
async function errorOf(method, url, response) {
  const message = await response.json().then((body) => String(body?.message ?? ''), () => '');
  const limited = response.status === 429 || (response.status === 403 && (response.headers.has('retry-after') || response.headers.get('x-ratelimit-remaining') === '0'));
  return new GitHubError(`${method} ${url.origin}${url.pathname}: ${response.status} ${message}`.trim(), response.status, limited);
}

/**
 * What a person can do about an error.
 * @param {GitHubError} error @param {string} permission such as `pull-requests: write` @param {{fork: boolean}} run @param {string} actor
 */
export function advice(error, permission, run, actor) {
  if (error.rateLimited) return `GitHub limits the rate of this token (${error.message}); the next run tries again.`;
  if (error.status !== 401 && error.status !== 403 && error.status !== 404) return `GitHub did not take it: ${error.message}.`;
  if (run.fork) return `The token of a pull request from a fork is read-only (${error.message}). The report is in the job summary; docs/github-action.md shows how to report on forks.`;
  if (actor === 'dependabot[bot]') return `The token of a Dependabot run is read-only unless the job grants \`${permission}\` (${error.message}).`;
  return `The token lacks a permission (${error.message}). Add \`${permission}\` to the job's \`permissions\`.`;
}
