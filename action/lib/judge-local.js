/** Judging without a server: `COMMAND check FILES --golden-dir DIR --out REPORT`, its files and its exit code. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from './errors.js';
import { packed } from './packing.js';
import { logGroup } from './runner.js';

/** The documented exit codes that are verdicts, and what the report may then say. */
const VERDICTS = new Map([
  [0, ['pass', 'new']],
  [1, ['fail']],
  [5, ['fail', 'new']],
  [7, ['inconclusive']],
]);
const NO_TRACES = 4;
const BASELINE_REQUIRED = 5;
const OUTPUT_LIMIT = 1024 * 1024;

/**
 * Null when there is not one span in the files.
 * @param {import('./inputs.js').Inputs} inputs
 * @param {import('./session.js').Session} session
 * @param {string[]} files
 * @param {AbortSignal} signal
 * @returns {Promise<import('./outcome.js').Judged | null>}
 */
export async function judgeLocally(inputs, session, files, signal) {
  const [program = '', ...first] = inputs.command;
  const parameters = [...first, 'check', ...packed(files, session.directory), '--golden-dir', inputs.goldenDir, '--environment', inputs.environment, '--out', session.report];
  const { code, output } = await run(program, parameters, signal);
  logGroup(`${inputs.command.join(' ')} check`, output);
  if (code === NO_TRACES) return null;
  const path = join(session.report, 'report.json');
  const allowed = VERDICTS.get(code);
  if (!allowed || !existsSync(path)) {
    throw new ToolError(`${inputs.command.join(' ')} check ended with exit code ${code}${allowed ? ' and left no report' : ''}: ${lastLine(output)}`, {
      hint: 'Its whole output is in this step\'s log.',
    });
  }
  const verdict = JSON.parse(readFileSync(path, 'utf8'));
  if (!allowed.includes(verdict.conclusion)) {
    throw new ToolError(`${inputs.command.join(' ')} check ended with exit code ${code}, but its report says ${JSON.stringify(verdict.conclusion)}.`, {
      hint: 'Does the input command call another version of Spangate than the action?',
    });
  }
  const judged = code === BASELINE_REQUIRED ? { ...verdict, conclusion: 'fail' } : verdict;
  return { verdict: judged, headline: String(verdict.headline ?? ''), runId: session.runId, runUrl: session.run.url, notes: [] };
}

/** @param {string} program @param {string[]} parameters @param {AbortSignal} signal @returns {Promise<{code: number, output: string}>} */
function run(program, parameters, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'], signal, windowsHide: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output = (output + text).slice(-OUTPUT_LIMIT);
      });
    }
    child.once('error', (error) => {
      if (signal.aborted) reject(signal.reason);
      else {
        reject(
          new ToolError(`${program} cannot be started: ${error.message}.`, {
            hint: 'Install Spangate in an earlier step (pip install spangate), or say in the input command how to call it.',
          }),
        );
      }
    });
    child.once('close', (code, killedBy) => resolve({ code: code ?? -1, output: killedBy ? `${output}\nended by ${killedBy}` : output }));
  });
}

/** The step's own inputs, tokens among them, are nothing for another program; and no server means none from the environment either. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:INPUT_|STATE_|SPANGATE_SERVER$|SPANGATE_TOKEN$)/u.test(name)));
}

/** @param {string} output */
function lastLine(output) {
  return output.trimEnd().split('\n').at(-1)?.trim() || 'it printed nothing';
}
