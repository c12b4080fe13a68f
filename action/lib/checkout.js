/** What the workspace has checked out. A shallow clone lacks the parents, but the commit still names them. */
import { spawnSync } from 'node:child_process';

/** Null when there is no repository, no git or no right to look. @param {string} workspace @returns {import('./event.js').Checkout | null} */
export function readCheckout(workspace) {
  const commit = git(workspace, 'rev-parse', '--verify', 'HEAD')?.trim();
  const content = commit && git(workspace, 'cat-file', 'commit', commit);
  if (!commit || !content) return null;
  const header = content.slice(0, content.indexOf('\n\n'));
  return { commit, parents: [...header.matchAll(/^parent ([0-9a-f]+)$/gmu)].map((match) => /** @type {string} */ (match[1])) };
}

/** @param {string} directory @param {...string} parameters */
function git(directory, ...parameters) {
  const result = spawnSync('git', parameters, { cwd: directory, encoding: 'utf8', timeout: 10_000, windowsHide: true });
  return result.status === 0 ? result.stdout : null;
}
