/** The action's pure parts, by Node's own test runner (started by test_units.py). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRun } from '../../action/lib/event.js';
import { words } from '../../action/lib/inputs.js';
import { markerOf } from '../../action/lib/comment.js';
import { extensionFor, headersOf } from '../../action/lib/spool.js';
import { retryAfterMs } from '../../action/lib/retry.js';
import { telemetryEnvironment } from '../../action/lib/telemetry.js';

const MERGE = 'aa'.repeat(20);
const HEAD = 'bb'.repeat(20);
const BASE = 'cc'.repeat(20);
const NEWER_BASE = 'dd'.repeat(20);
const repository = { id: 1, default_branch: 'main' };

/** @param {string} name */
const env = (name, more = {}) => ({
  GITHUB_EVENT_NAME: name,
  GITHUB_SHA: MERGE,
  GITHUB_REF: 'refs/pull/7/merge',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_ATTEMPT: '3',
  GITHUB_SERVER_URL: 'https://github.com',
  ...more,
});
const pull = (head = {}) => ({
  repository,
  pull_request: { number: 7, head: { sha: HEAD, ref: 'topic', label: 'acme:topic', repo: { id: 1 }, ...head }, base: { sha: BASE, ref: 'main', repo: { id: 1 } } },
});

test('on a pull request the merge commit is what was tested, the head carries the status', () => {
  const run = describeRun(env('pull_request'), pull(), null);
  assert.deepEqual([run.commit, run.statusCommit, run.branch, run.baseCommit, run.baseBranch, run.pullRequest], [MERGE, HEAD, 'topic', BASE, 'main', 7]);
  assert.equal(run.url, 'https://github.com/acme/shop/actions/runs/42/attempts/3');
});

test('the base is the merge commit\'s own parent, which may be newer than the event', () => {
  assert.equal(describeRun(env('pull_request'), pull(), { commit: MERGE, parents: [NEWER_BASE, HEAD] }).baseCommit, NEWER_BASE);
  assert.equal(describeRun(env('pull_request'), pull(), { commit: MERGE, parents: [NEWER_BASE, BASE] }).baseCommit, BASE);
});

test('a job that checked out the head tested the head', () => {
  const run = describeRun(env('pull_request'), pull(), { commit: HEAD, parents: [BASE] });
  assert.deepEqual([run.commit, run.baseCommit], [HEAD, BASE]);
});

test('a branch of a fork is never taken for a branch of the repository, also when the fork is gone', () => {
  const fork = describeRun(env('pull_request'), pull({ ref: 'main', label: 'mallory:main', repo: { id: 2 } }), null);
  assert.deepEqual([fork.branch, fork.fork], ['mallory:main', true]);
  const gone = describeRun(env('pull_request'), pull({ ref: 'main', label: null, repo: null }), null);
  assert.deepEqual([gone.branch, gone.fork], ['fork:main', true]);
});

test('a push is compared with what was there before, a new branch with nothing', () => {
  const given = env('push', { GITHUB_REF: 'refs/heads/release/1.x' });
  assert.deepEqual([describeRun(given, { before: BASE, repository }, null).branch, describeRun(given, { before: BASE, repository }, null).baseCommit], ['release/1.x', BASE]);
  assert.equal(describeRun(given, { before: '0'.repeat(40), repository }, null).baseCommit, '');
  assert.equal(describeRun(env('push', { GITHUB_REF: 'refs/tags/v1' }), {}, null).branch, '');
});

test('a workflow_run of a push on the own base branch is that branch', () => {
  const event = { repository, workflow_run: { event: 'push', head_sha: HEAD, head_branch: 'main', head_repository: { id: 1, owner: { login: 'acme' } } } };
  const run = describeRun(env('workflow_run'), event, null);
  assert.deepEqual([run.commit, run.branch, run.fork, run.commentable], [HEAD, 'main', false, false]);
});

test('events without a payload still name commit and repository', () => {
  const run = describeRun(env('schedule', { GITHUB_REF: 'refs/heads/main' }), {}, null);
  assert.deepEqual([run.commit, run.branch, run.pullRequest], [MERGE, 'main', 0]);
});

test('pull_request_target is refused', () => {
  assert.throws(() => describeRun(env('pull_request_target'), pull(), null), /Use pull_request/u);
});

test('a command is words and quotes, without a shell', () => {
  assert.deepEqual(words('command', 'uv run  "my tool" --x=\'a b\'c $(rm)'), ['uv', 'run', 'my tool', '--x=a bc', '$(rm)']);
  assert.throws(() => words('command', '"open'), /quote/u);
});

test('a marker cannot be closed by a name', () => {
  assert.equal(markerOf({ project: 'a--b', gate: '-->', environment: 'ci' }), '<!-- spangate a%2D%2Db/%2D%2D%3E/ci -->');
});

test('a spool name says type and encoding and back', () => {
  for (const [type, encoding, extension] of [
    ['application/x-protobuf', '', 'pb'],
    ['application/json; charset=utf-8', 'gzip', 'json.gz'],
    ['application/x-protobuf', 'zstd', 'pb.zst'],
  ]) {
    assert.equal(extensionFor(type, encoding), extension);
    const headers = headersOf(`000001.${extension}`);
    assert.equal(headers['content-type'], type.split(';')[0]);
    assert.equal(headers['content-encoding'] ?? '', encoding);
  }
  assert.equal(extensionFor('text/html', ''), '');
  assert.equal(extensionFor('application/json', 'br'), '');
});

test('Retry-After is seconds or a date, and at most a minute', () => {
  assert.equal(retryAfterMs(new Headers({ 'retry-after': '7' })), 7000);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': '9999' })), 60_000);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' })), 0);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': 'soon' })), undefined);
  assert.equal(retryAfterMs(new Headers()), undefined);
});

test('a proxy that would catch the exports is warned about', () => {
  const target = { http: 'http://127.0.0.1:1', grpc: 'http://127.0.0.1:2', runId: 'r', commit: 'c' };
  assert.match(telemetryEnvironment({ HTTP_PROXY: 'http://proxy' }, target).warnings.join(), /NO_PROXY/u);
  assert.deepEqual(telemetryEnvironment({ HTTP_PROXY: 'http://proxy', NO_PROXY: 'localhost, 127.0.0.1' }, target).warnings, []);
});

test('an SDK that is told to speak gRPC gets the gRPC endpoint', () => {
  const target = { http: 'http://127.0.0.1:1', grpc: 'http://127.0.0.1:2', runId: 'r', commit: '' };
  const { variables } = telemetryEnvironment({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, target);
  assert.equal(variables.OTEL_EXPORTER_OTLP_ENDPOINT, target.grpc);
  assert.equal(variables.OTEL_EXPORTER_OTLP_PROTOCOL, undefined);
  assert.equal(variables.OTEL_RESOURCE_ATTRIBUTES, 'spangate.run=r');
});
