/** Says the outcome everywhere: outputs, job summary, annotations, pull request comment, commit status. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markerOf, findPullRequest, writeComment } from './comment.js';
import { advice, GitHub, GitHubError } from './github.js';
import { openFindings } from './outcome.js';
import { annotate, appendSummary, log, logGroup, setOutput } from './runner.js';

/** The runner shows ten annotations of each level; one error is kept for the conclusion. */
const ANNOTATIONS = { error: 9, warning: 10, notice: 10 };
const LEVELS = /** @type {const} */ ({ failure: 'error', warning: 'warning', notice: 'notice' });
const STATUS_CHARACTERS = 140;

/**
 * @param {import('./outcome.js').Outcome} outcome
 * @param {import('./inputs.js').Inputs} inputs
 * @param {import('./session.js').Session} session
 * @param {AbortSignal} signal
 */
export async function publish(outcome, inputs, session, signal) {
  writeOutputs(outcome, session);
  if (existsSync(join(session.report, 'report.txt'))) logGroup('Spangate report', readFileSync(join(session.report, 'report.txt'), 'utf8'));
  writeSummary(outcome, session);
  writeAnnotations(outcome);
  if (inputs.githubToken && outcome.conclusion !== 'skipped') {
    const github = new GitHub(process.env, inputs.githubToken, signal);
    await onGitHub('comment', 'pull-requests: write', session, () => comment(github, outcome, inputs, session));
    await onGitHub('status', 'statuses: write', session, () => status(github, outcome, inputs, session));
  }
}

/** @param {import('./outcome.js').Outcome} outcome @param {import('./session.js').Session} session */
function writeOutputs({ conclusion, judged }, session) {
  setOutput('verdict', conclusion);
  setOutput('run-id', judged?.runId ?? session.runId);
  setOutput('run-url', judged?.runUrl ?? session.run.url);
  setOutput('findings', judged ? openFindings(judged.verdict).length : 0);
  for (const [output, name] of [['report-md', 'comment.md'], ['report-html', 'report.html'], ['junit', 'junit.xml']]) {
    const path = join(session.report, /** @type {string} */ (name));
    setOutput(/** @type {string} */ (output), existsSync(path) ? path : '');
  }
}

/** The longest report that the runner takes. @param {import('./outcome.js').Outcome} outcome @param {import('./session.js').Session} session */
function writeSummary(outcome, session) {
  const texts = ['summary.md', 'comment.md'].map((name) => join(session.report, name)).filter((path) => existsSync(path));
  if (texts.some((path) => appendSummary(readFileSync(path, 'utf8')))) return;
  appendSummary(markdownOf(outcome));
}

/** @param {import('./outcome.js').Outcome} outcome */
function writeAnnotations({ conclusion, judged, headline, detail, failsJob }) {
  const findings = judged ? openFindings(judged.verdict) : [];
  const left = { ...ANNOTATIONS };
  let hidden = 0;
  for (const finding of findings) {
    const level = LEVELS[/** @type {keyof typeof LEVELS} */ (finding.level)] ?? 'notice';
    if (left[level] > 0) annotate(level, `${finding.sentence}\n${(finding.place?.path ?? []).join(' → ')}`.trim());
    else hidden += 1;
    left[level] -= 1;
  }
  for (const note of judged?.notes ?? []) log(`Not taken: ${note}`);
  if (judged && judged.notes.length > 0) annotate('warning', `The server did not take all spans (${judged.notes.length} uploads); see this step's log.`);
  const text = [headline, detail, hidden > 0 ? `${hidden} more findings are in the report.` : ''].filter(Boolean).join('\n');
  if (failsJob) annotate('error', text, `Spangate: ${conclusion}`);
  else if (conclusion === 'pass' || conclusion === 'skipped') log(`Spangate: ${conclusion}. ${text}`);
  else annotate(conclusion === 'new' ? 'notice' : 'warning', text, `Spangate: ${conclusion}`);
}

/**
 * @param {GitHub} github @param {import('./outcome.js').Outcome} outcome
 * @param {import('./inputs.js').Inputs} inputs @param {import('./session.js').Session} session
 */
async function comment(github, outcome, inputs, { run, report }) {
  if (inputs.comment === 'never' || !run.commentable) return;
  const pullRequest = run.pullRequest || (await findPullRequest(github, run.repository, run.headLabel, run.statusCommit));
  if (pullRequest === 0) return;
  const path = join(report, 'comment.md');
  const markdown = outcome.judged && existsSync(path) ? readFileSync(path, 'utf8') : markdownOf(outcome);
  const target = { repository: run.repository, pullRequest, statusCommit: run.statusCommit };
  const done = await writeComment(github, target, markerOf(inputs), markdown, inputs.comment === 'always' || saysSomething(outcome));
  log(`Pull request comment: ${done}.`);
}

/** Whether a pull request without a comment should get one. @param {import('./outcome.js').Outcome} outcome */
function saysSomething({ conclusion, judged }) {
  if (!judged) return false;
  return conclusion !== 'pass' || openFindings(judged.verdict).some((finding) => finding.level !== 'notice');
}

/**
 * @param {GitHub} github @param {import('./outcome.js').Outcome} outcome
 * @param {import('./inputs.js').Inputs} inputs @param {import('./session.js').Session} session
 */
async function status(github, outcome, inputs, { run }) {
  if (!run.statusCommit) return;
  await github.write('POST', `/repos/${run.repository}/statuses/${run.statusCommit}`, {
    state: stateOf(outcome),
    context: ['spangate', inputs.gate === 'default' ? '' : `/${inputs.gate}`, inputs.environment === 'ci' ? '' : ` (${inputs.environment})`].join(''),
    description: shortened(`${outcome.failsJob || outcome.conclusion !== 'fail' ? '' : 'Report only: '}${outcome.headline}`),
    target_url: outcome.judged?.runUrl || run.url,
  });
}

/** What could not be decided is never green, whatever the job does about it. @param {import('./outcome.js').Outcome} outcome */
function stateOf({ conclusion, failsJob }) {
  if (conclusion === 'error' || conclusion === 'inconclusive') return 'error';
  return failsJob ? 'failure' : 'success';
}

/** @param {'comment' | 'status'} what @param {string} permission @param {import('./session.js').Session} session @param {() => Promise<void>} work */
async function onGitHub(what, permission, session, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const text = `No ${what} was written. ${advice(error, permission, session.run, process.env.GITHUB_ACTOR ?? '')}`;
    if (what === 'comment') annotate('notice', text);
    else log(text);
  }
}

/** The report when there is none. The text is foreign, so it goes into a fence that it cannot close. @param {import('./outcome.js').Outcome} outcome */
function markdownOf({ conclusion, headline, detail }) {
  const title = conclusion === 'skipped' ? '### ⚪ Spangate: no traces to judge' : '### ⚠️ Spangate could not decide';
  const text = [headline, detail].filter(Boolean).join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/gu)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${title}\n\n${fence}text\n${text}\n${fence}\n`;
}

/** @param {string} text */
function shortened(text) {
  const line = text.replaceAll(/\s+/gu, ' ');
  return line.length <= STATUS_CHARACTERS ? line : `${line.slice(0, STATUS_CHARACTERS - 1)}…`;
}
