/**
 * One use of the action in one job: a directory of its own under RUNNER_TEMP, so that several uses, and several jobs
 * of one self-hosted machine, never meet. The post step finds it again through the runner's state.
 *
 *     spool/         request bodies as they came (see spool.js)
 *     report/        comment.md summary.md report.html junit.xml report.json, as `spangate check --out` writes them
 *     receiver.log   what the receiver printed, if anything
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveState, state } from './runner.js';

/**
 * @typedef {object} Session
 * @property {string} directory
 * @property {string} spool
 * @property {string} report
 * @property {string} log
 * @property {string} runId unique; also the run's id on the server, so that creating it may be repeated
 * @property {import('./event.js').CiRun} run
 * @property {{pid: number, control: string, key: string} | null} receiver
 */

/** @param {import('./event.js').CiRun} run @param {Record<string, string | undefined>} env @returns {Session} */
export function openSession(run, env) {
  const directory = mkdtempSync(join(env.RUNNER_TEMP || tmpdir(), 'spangate-'));
  const session = {
    directory,
    spool: join(directory, 'spool'),
    report: join(directory, 'report'),
    log: join(directory, 'receiver.log'),
    runId: `gha-${env.GITHUB_RUN_ID || '0'}-${run.attempt}-${randomBytes(4).toString('hex')}`,
    run,
    receiver: null,
  };
  mkdirSync(session.spool);
  mkdirSync(session.report);
  return session;
}

/** @param {Session} session */
export function keepSession(session) {
  saveState('session', JSON.stringify(session));
}

/** The main step's session; null when it never got so far, or judged everything itself. @returns {Session | null} */
export function keptSession() {
  const text = state('session');
  return text ? JSON.parse(text) : null;
}
