/** Judging on a server: create the run, upload everything, finish, wait, fetch the reports. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from './errors.js';
import { Server } from './server.js';
import { uploadsOf } from './traces.js';

const UPLOADS_AT_ONCE = 4;
/** Below GitHub's 65,536 for a comment, whatever the characters; and below 1 MiB for a summary at four bytes each. */
const COMMENT_CHARACTERS = 60_000;
const SUMMARY_CHARACTERS = 250_000;

/**
 * @param {import('./inputs.js').Inputs} inputs
 * @param {import('./session.js').Session} session
 * @param {string[]} files
 * @param {AbortSignal} signal
 * @returns {Promise<import('./outcome.js').Judged>}
 */
export async function judgeOnServer(inputs, session, files, signal) {
  const server = new Server(inputs, signal);
  const { run } = session;
  const { id } = await server.createRun({
    id: session.runId,
    environment: inputs.environment,
    gate: inputs.gate,
    commit: run.commit,
    branch: run.branch,
    base_commit: run.baseCommit,
    base_branch: run.baseBranch,
    pull_request: run.pullRequest,
    repository: run.repository,
    url: run.url,
    attempt: run.attempt,
  });
  const notes = await uploadAll(server, id, files, session.spool);
  await server.finish(id);
  const verdict = await server.verdict(id, inputs.waitSeconds);
  for (const [name, format, limit] of /** @type {[string, string, number?][]} */ ([
    ['comment.md', 'md', COMMENT_CHARACTERS],
    ['summary.md', 'summary', SUMMARY_CHARACTERS],
    ['report.html', 'html'],
    ['junit.xml', 'junit'],
    ['report.json', 'json'],
    ['report.txt', 'text'],
  ])) {
    writeFileSync(join(session.report, name), await server.report(id, format, limit));
  }
  const headline = headlineIn(readFileSync(join(session.report, 'report.json'), 'utf8'));
  return { verdict, headline, runId: id, runUrl: `${inputs.server}/api/v1/runs/${encodeURIComponent(id)}/report?format=html`, notes };
}

/** @param {string} report */
function headlineIn(report) {
  try {
    return String(JSON.parse(report).headline ?? '');
  } catch {
    return '';
  }
}

/** @param {Server} server @param {string} runId @param {string[]} files @param {string} spool */
async function uploadAll(server, runId, files, spool) {
  /** @type {string[]} */
  const notes = [];
  const uploads = (function* () {
    for (const file of files) yield* uploadsOf(file, spool);
  })();
  const worker = async () => {
    for (const { body, headers, source } of uploads) {
      let note;
      try {
        note = await server.upload(runId, body, headers);
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        throw new ToolError(`${source} was not uploaded. ${error.message}`, { hint: error.hint, cause: error });
      }
      if (note) notes.push(`${source}: ${note}`);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, worker));
  return notes;
}
