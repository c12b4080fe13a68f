/**
 * The one comment on a pull request: found by its hidden first line and its author, edited in place, never repeated.
 * The marker alone would not do: anybody can write a comment that begins with it.
 */
import { GitHub, plainLogin } from './github.js';

/** GitHub refuses a longer body. */
const LIMIT_CHARACTERS = 65_536;

/** @param {{project: string, gate: string, environment: string}} inputs */
export function markerOf({ project, gate, environment }) {
  const name = [project, gate, environment].map((part) => encodeURIComponent(part).replaceAll('-', '%2D')).join('/');
  return `<!-- spangate ${name} -->`;
}

/**
 * Writes the comment and says what became of it.
 * @param {GitHub} github
 * @param {{repository: string, pullRequest: number, statusCommit: string}} run
 * @param {string} marker
 * @param {string} markdown
 * @param {boolean} mayCreate false: only an existing comment is brought up to date
 * @returns {Promise<'created' | 'updated' | 'unchanged' | 'not needed' | 'outdated' | 'too long'>}
 */
export async function writeComment(github, run, marker, markdown, mayCreate) {
  const body = `${marker}\n${markdown.trim()}\n`;
  if (body.length > LIMIT_CHARACTERS) return 'too long';
  const pull = await github.get(`/repos/${run.repository}/pulls/${run.pullRequest}`);
  if (pull.head?.sha !== run.statusCommit || pull.state !== 'open') return 'outdated';
  const path = `/repos/${run.repository}/issues`;
  const existing = await findComment(github, `${path}/${run.pullRequest}/comments`, marker);
  if (existing) {
    if (sameBody(existing.body, body)) return 'unchanged';
    await github.write('PATCH', `${path}/comments/${existing.id}`, { body });
    return 'updated';
  }
  if (!mayCreate) return 'not needed';
  await github.write('POST', `${path}/${run.pullRequest}/comments`, { body });
  return 'created';
}

/** The pull request that a branch's commit belongs to; 0 when none is open. @param {GitHub} github @param {string} repository @param {string} head `owner:branch` @param {string} commit */
export async function findPullRequest(github, repository, head, commit) {
  for await (const pull of github.list(`/repos/${repository}/pulls`, { head, state: 'open' })) {
    if (pull.head?.sha === commit) return Number(pull.number);
  }
  return 0;
}

/** The oldest comment that is ours. @param {GitHub} github @param {string} path @param {string} marker */
async function findComment(github, path, marker) {
  let login;
  for await (const comment of github.list(path)) {
    if (!String(comment.body ?? '').startsWith(marker)) continue;
    login ??= await github.login();
    const author = plainLogin(comment.user?.login);
    if (login ? author === login : comment.user?.type === 'Bot') return comment;
  }
  return null;
}

/** GitHub may store other line ends, and no final one. @param {unknown} a @param {string} b */
function sameBody(a, b) {
  return String(a).replaceAll('\r\n', '\n').trim() === b.trim();
}
