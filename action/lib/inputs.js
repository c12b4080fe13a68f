/** The step's inputs, checked. GitHub enforces neither `required` nor values, so every mistake is explained here. */
import { InputError } from './errors.js';
import { input } from './runner.js';

/**
 * @typedef {object} Inputs
 * @property {string} server without trailing slash; empty: no-server mode
 * @property {string} project
 * @property {string} token
 * @property {string} gate
 * @property {string} environment
 * @property {string[]} traces globs
 * @property {string} goldenDir
 * @property {string[]} command program and its first arguments
 * @property {number} waitSeconds
 * @property {ReadonlySet<string>} failOn of `fail`, `inconclusive`, `new`
 * @property {boolean} failOnError
 * @property {boolean} allowEmpty
 * @property {'on-change' | 'always' | 'never'} comment
 * @property {string} githubToken
 * @property {string} bind
 * @property {boolean} cancelled
 */

const CONCLUSIONS = ['fail', 'inconclusive', 'new'];

/** All inputs of the step. Raises InputError naming the input. @returns {Inputs} */
export function readInputs() {
  return {
    server: serverUrl(input('server')),
    project: input('project'),
    token: input('token'),
    gate: input('gate') || 'default',
    environment: input('environment') || 'ci',
    traces: input('traces').split('\n').map((line) => line.trim()).filter(Boolean),
    goldenDir: input('golden-dir') || '.spangate',
    command: words('command', input('command') || 'spangate'),
    waitSeconds: seconds('wait', input('wait') || '120'),
    failOn: conclusions(input('fail-on') || 'fail, inconclusive'),
    failOnError: flag('fail-on-error', input('fail-on-error') || 'true'),
    allowEmpty: flag('allow-empty', input('allow-empty') || 'false'),
    comment: choice('comment', input('comment') || 'on-change', ['on-change', 'always', 'never']),
    githubToken: input('github-token'),
    bind: input('bind') || '127.0.0.1',
    cancelled: input('job-status') === 'cancelled',
  };
}

/** @param {string} text */
function serverUrl(text) {
  if (!text) return '';
  if (!URL.canParse(text) || !/^https?:$/u.test(new URL(text).protocol)) {
    throw new InputError(`server: ${JSON.stringify(text)} is not a URL. Give the base URL, such as https://spangate.example.com.`);
  }
  const url = new URL(text);
  if (url.username || url.password) throw new InputError('server: leave the credentials out of the URL; put the token into the input token.');
  return `${url.origin}${url.pathname}`.replace(/\/+$/u, '');
}

/** @param {string} name @param {string} text */
function seconds(name, text) {
  if (!/^\d{1,4}$/u.test(text)) throw new InputError(`${name}: ${JSON.stringify(text)} is not a number of seconds between 0 and 9999.`);
  return Number(text);
}

/** YAML 1.2 core booleans, as in actions/toolkit. @param {string} name @param {string} text */
function flag(name, text) {
  return choice(name, text.toLowerCase(), ['true', 'false']) === 'true';
}

/** @template {string} T @param {string} name @param {string} text @param {readonly T[]} allowed @returns {T} */
function choice(name, text, allowed) {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new InputError(`${name}: ${JSON.stringify(text)} is not one of ${allowed.join(', ')}.`);
  return found;
}

/** @param {string} text */
function conclusions(text) {
  const parts = text.split(/[\s,]+/u).filter(Boolean);
  if (parts.length === 1 && parts[0] === 'never') return new Set();
  return new Set(parts.map((part) => choice('fail-on', part, CONCLUSIONS)));
}

/** Words with single or double quotes around spaces; nothing else is special. @param {string} name @param {string} text */
export function words(name, text) {
  const found = [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/gu)].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/gu, '$1$2'));
  const left = text.replaceAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/gu, '').trim();
  if (left || found.length === 0) throw new InputError(`${name}: ${JSON.stringify(text)} has a quote without its end.`);
  return found;
}
