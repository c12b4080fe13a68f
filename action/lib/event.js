/**
 * Which commit was tested, which one carries the result, and what it is compared with.
 *
 * On `pull_request` the tested commit is an ephemeral merge of head and base: the comparison is with its base parent,
 * the status goes to the head. A fork's branch is named `owner:branch`, so that its `main` is never taken for ours.
 */
import { InputError } from './errors.js';

/**
 * @typedef {object} CiRun
 * @property {string} event
 * @property {string} commit the commit that was tested
 * @property {string} statusCommit the commit that carries the result
 * @property {string} branch
 * @property {string} baseCommit
 * @property {string} baseBranch
 * @property {number} pullRequest 0: none
 * @property {boolean} commentable whether the pull request gets a comment
 * @property {boolean} fork whether the code comes from another repository
 * @property {string} headLabel `owner:branch` to find the pull request by, when the event does not name it
 * @property {string} repository
 * @property {string} url
 * @property {number} attempt
 */

/**
 * @typedef {object} Checkout
 * @property {string} commit
 * @property {string[]} parents
 */

/**
 * The run that this job is, from the runner's environment and the event's payload.
 * Raises InputError for `pull_request_target`, whose commit is the base branch and not what a pull request changes.
 *
 * @param {Record<string, string | undefined>} env
 * @param {any} event
 * @param {Checkout | null} checkout what the workspace has checked out; null when it is not known
 * @returns {CiRun}
 */
export function describeRun(env, event, checkout) {
  const name = env.GITHUB_EVENT_NAME ?? '';
  const repository = env.GITHUB_REPOSITORY ?? '';
  const attempt = Number(env.GITHUB_RUN_ATTEMPT ?? '1') || 1;
  const common = {
    event: name,
    commit: env.GITHUB_SHA ?? '',
    statusCommit: env.GITHUB_SHA ?? '',
    branch: env.GITHUB_REF?.startsWith('refs/heads/') ? env.GITHUB_REF.slice('refs/heads/'.length) : '',
    baseCommit: '',
    baseBranch: text(event?.repository?.default_branch),
    pullRequest: 0,
    commentable: false,
    fork: false,
    headLabel: '',
    repository,
    url: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}/actions/runs/${env.GITHUB_RUN_ID ?? ''}/attempts/${attempt}`,
    attempt,
  };
  switch (name) {
    case 'pull_request':
      return { ...common, ...pullRequest(common.commit, event?.pull_request ?? {}, checkout) };
    case 'pull_request_target':
      throw new InputError(
        'pull_request_target runs on the base branch, so these traces would not be those of the pull request. ' +
          'Use pull_request; for forks see docs/github-action.md.',
      );
    case 'push':
      return { ...common, baseCommit: commitOf(event?.before) };
    case 'merge_group':
      return { ...common, ...mergeGroup(event?.merge_group ?? {}) };
    case 'workflow_run':
      return { ...common, ...workflowRun(event ?? {}) };
    default:
      return common;
  }
}

/** @param {string} merge @param {any} pull @param {Checkout | null} checkout */
function pullRequest(merge, pull, checkout) {
  const head = text(pull.head?.sha);
  const fork = pull.head?.repo?.id === undefined || pull.head.repo.id !== pull.base?.repo?.id;
  const testsHead = checkout?.commit === head && head !== '';
  const mergesHead = checkout?.commit === merge && checkout.parents.length === 2 && checkout.parents[1] === head;
  return {
    commit: testsHead ? head : merge,
    statusCommit: head || merge,
    branch: fork ? text(pull.head?.label) || `fork:${text(pull.head?.ref)}` : text(pull.head?.ref),
    baseCommit: mergesHead ? /** @type {string} */ (checkout?.parents[0]) : text(pull.base?.sha),
    baseBranch: text(pull.base?.ref),
    pullRequest: Number(pull.number) || 0,
    commentable: true,
    fork,
  };
}

/** A queue's branch is `gh-readonly-queue/BASE/pr-NUMBER-SHA`; the base's name may have slashes. @param {any} group */
function mergeGroup(group) {
  const branch = text(group.head_ref).replace(/^refs\/heads\//u, '');
  return {
    branch,
    baseCommit: commitOf(group.base_sha),
    baseBranch: text(group.base_ref).replace(/^refs\/heads\//u, ''),
    pullRequest: Number(/\/pr-(\d+)-[0-9a-f]+$/u.exec(branch)?.[1] ?? 0),
  };
}

/** The run that is reported on is the other workflow's. @param {any} event */
function workflowRun(event) {
  const run = event.workflow_run ?? {};
  const fork = run.head_repository?.id !== event.repository?.id;
  const label = `${text(run.head_repository?.owner?.login)}:${text(run.head_branch)}`;
  const fromPullRequest = run.event === 'pull_request';
  return {
    commit: text(run.head_sha),
    statusCommit: text(run.head_sha),
    branch: fork ? label : text(run.head_branch),
    commentable: fromPullRequest,
    fork,
    headLabel: fromPullRequest ? label : '',
    url: text(run.html_url),
    attempt: Number(run.run_attempt) || 1,
  };
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}

/** All zeros mean that there is none. @param {unknown} value */
function commitOf(value) {
  return /^0*$/u.test(text(value)) ? '' : text(value);
}
