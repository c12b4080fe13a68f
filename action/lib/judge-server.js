/** Judging on a server: create the run, upload everything, finish, wait, fetch the reports. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from './errors.js';
import { Server } from './server.js';
import { uploadsOf } from './traces.js';

const UPLOADS_AT_ONCE = 4;
/** Below GitHub's 65,536 for a comment, and below the runner's 1 MiB for a summary. */
const COMMENT_CHARACTERS = 60_000;
const SUMMARY_BYTES = 1_000_000;

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
  const { id } = await server.createRun(description(inputs, session)).catch((error) => {
    throw withoutSecrets(error, inputs, run) ?? error;
  });
  const notes = await uploadAll(server, id, files, session.spool);
  await server.finish(id);
  const verdict = await server.verdict(id, inputs.waitSeconds);
  for (const [name, format, limit] of /** @type {[string, string, number?][]} */ ([
    ['comment.md', 'md', COMMENT_CHARACTERS],
    ['summary.md', 'summary', SUMMARY_BYTES],
    ['report.html', 'html'],
    ['junit.xml', 'junit'],
    ['report.json', 'json'],
    ['report.txt', 'text'],
  ])) {
    writeFileSync(join(session.report, name), await server.report(id, format, limit));
  }
  const { headline, page } = reportIn(readFileSync(join(session.report, 'report.json'), 'utf8'));
  return { verdict, headline, runId: id, runUrl: page || run.url, notes };
}

/** @param {import('./inputs.js').Inputs} inputs @param {import('./session.js').Session} session */
function description(inputs, { runId, run }) {
  return {
    id: runId,
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
  };
}

/** What a refused token means where GitHub hands out no secrets. @param {unknown} error @param {import('./inputs.js').Inputs} inputs @param {import('./event.js').CiRun} run */
function withoutSecrets(error, inputs, run) {
  const dependabot = process.env.GITHUB_ACTOR === 'dependabot[bot]';
  if (!(error instanceof ToolError) || ![401, 403].includes(error.status) || inputs.token || !(run.fork || dependabot)) return null;
  const hint = dependabot
    ? 'A Dependabot run has only Dependabot\'s secrets: add the token there too (Settings, Secrets, Dependabot).'
    : 'A pull request from a fork has no secrets: judge its traces in a second workflow, as docs/github-action.md shows under Forks.';
  return new ToolError(error.message, { hint, status: error.status, cause: error });
}

/** The first line, and the page on which people decide. @param {string} report @returns {{headline: string, page: string}} */
function reportIn(report) {
  try {
    const { headline, page } = JSON.parse(report);
    return { headline: String(headline ?? ''), page: /^https?:/u.test(page) ? page : '' };
  } catch {
    return { headline: '', page: '' };
  }
}

/** @param {Server} server @param {string} runId @param {string[]} files @param {string} spool */
async function uploadAll(server, runId, files, spool) {
  /** @type {string[]} */
  const notes = [];
  const uploads = (function* () {
    for (const file of files) yield* uploadsOf(file, spool);
  })();
  let failed = false;
  const worker = async () => {
    for (const { body, headers, source } of uploads) {
      if (failed) return;
      let note;
      try {
        note = await server.upload(runId, body, headers);
      } catch (error) {
        failed = true;
        if (!(error instanceof ToolError)) throw error;
        throw new ToolError(`${source} was not uploaded. ${error.message}`, { hint: error.hint, cause: error });
      }
      if (note) notes.push(`${source}: ${note}`);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, worker));
  return notes;
}
