/** Start and stop the detached receiver. Stopping goes by a keyed request, so that a reused process id is never hit. */
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { ToolError } from './errors.js';

const READY_MS = 20_000;
const QUIET_MS = 500;
const PROGRAM = fileURLToPath(new URL('../receiver.js', import.meta.url));
/** What a process needs to run and the runner to clean up after it; no inputs, so no tokens. */
const PASSED_ON = ['PATH', 'Path', 'SYSTEMROOT', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'RUNNER_TRACKING_ID'];

/**
 * A receiver that is ready to take traces when this returns.
 * @param {import('./session.js').Session} session
 * @param {string} bind
 * @returns {Promise<{receiver: NonNullable<import('./session.js').Session['receiver']>, http: string, grpc: string}>}
 */
export async function startReceiver(session, bind) {
  const key = randomBytes(32).toString('hex');
  const output = openSync(session.log, 'a');
  const child = fork(PROGRAM, [], {
    detached: true,
    execArgv: [],
    windowsHide: true,
    env: Object.fromEntries(PASSED_ON.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]])),
    stdio: ['ignore', output, output, 'ipc'],
  });
  closeSync(output);
  try {
    const ports = await ready(child, { spool: session.spool, bind, key });
    const host = reachable(bind);
    child.unref();
    const http = `http://${host}:${ports.http}`;
    return { receiver: { pid: child.pid ?? 0, control: http, key }, http, grpc: `http://${host}:${ports.grpc}` };
  } catch (error) {
    child.kill('SIGKILL');
    throw new ToolError(`The trace receiver did not start on ${bind}: ${error instanceof Error ? error.message : error}. ${logOf(session)}`.trim(), {
      hint: 'The input bind must be an address of this machine, such as 127.0.0.1.',
    });
  }
}

/**
 * Waits until the last exports are in, ends the receiver and tells what it took.
 * Raises ToolError when it is gone: then traces may be lost, and nothing may be judged.
 * @param {import('./session.js').Session} session
 * @returns {Promise<{requests: number, refused: number, reason: string}>}
 */
export async function stopReceiver(session) {
  if (!session.receiver) return { requests: 0, refused: 0, reason: '' };
  try {
    return await stopRequest(session.receiver, QUIET_MS);
  } catch (error) {
    throw new ToolError(`The trace receiver ended before the job did (${error instanceof Error ? error.message : error}). ${logOf(session)}`.trim(), {
      hint: 'Traces may be lost, so nothing was judged. Was it killed by a later step, or did the machine run out of memory?',
    });
  }
}

/** Ends the receiver at once, whatever state it is in. @param {import('./session.js').Session} session */
export async function dropReceiver(session) {
  if (session.receiver) await stopRequest(session.receiver, 0).catch(() => undefined);
}

/** @param {import('node:child_process').ChildProcess} child @param {{spool: string, bind: string, key: string}} told */
function ready(child, told) {
  return new Promise((/** @type {(ports: {http: number, grpc: number}) => void} */ resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready after ${READY_MS / 1000} s`)), READY_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it ended with exit code ${code}`)));
    child.once('message', (/** @type {any} */ answer) => {
      clearTimeout(timer);
      if (answer.error) reject(new Error(answer.error));
      else resolve(answer);
    });
    child.send(told, (error) => error && reject(error));
  });
}

/** An agent of its own: local requests never go through a proxy of the environment. @param {{control: string, key: string}} receiver @param {number} quietMs */
function stopRequest({ control, key }, quietMs) {
  return new Promise((resolve, reject) => {
    const agent = new Agent();
    const asked = request(`${control}/stop?quiet=${quietMs}`, { method: 'POST', agent, headers: { 'x-spangate-key': key }, timeout: 15_000 }, (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`another program answers on ${control}`));
        else resolve(JSON.parse(Buffer.concat(chunks).toString()));
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 15 s')));
    asked.on('error', reject);
    asked.end();
  });
}

/** @param {import('./session.js').Session} session */
function logOf(session) {
  return readFileSync(session.log, 'utf8').trim().slice(-2000);
}

/** The address to reach a listening address by, for programs on this machine. @param {string} bind */
function reachable(bind) {
  if (bind === '0.0.0.0') return '127.0.0.1';
  if (bind === '::') return '[::1]';
  return bind.includes(':') ? `[${bind}]` : bind;
}
