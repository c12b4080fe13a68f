/**
 * What the Actions runner understands: inputs, file commands (env, output, state, summary) and workflow commands on stdout.
 * The formats are those of actions/toolkit (`packages/core`): `name<<delimiter` blocks in files, `::command key=value::text` lines.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync, statSync } from 'node:fs';
import { EOL } from 'node:os';

/** The runner drops a larger summary of a step as a whole. */
export const SUMMARY_LIMIT_BYTES = 1024 * 1024;

/** The input's text without surrounding space; empty when it is not set. @param {string} name */
export function input(name) {
  return (process.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}

/** Later steps can read it as `steps.ID.outputs.NAME`. @param {string} name @param {string | number} value */
export function setOutput(name, value) {
  writeBlock('GITHUB_OUTPUT', name, String(value));
}

/** Later steps have it in their environment. @param {string} name @param {string} value */
export function exportVariable(name, value) {
  writeBlock('GITHUB_ENV', name, value);
  process.env[name] = value;
}

/** The post step can read it with `state`. @param {string} name @param {string} value */
export function saveState(name, value) {
  writeBlock('GITHUB_STATE', name, value);
}

/** What the main step saved; empty when it did not. @param {string} name */
export function state(name) {
  return process.env[`STATE_${name}`] ?? '';
}

/** Add Markdown to the job summary. False, and nothing is written, when it would be over the runner's limit. @param {string} markdown */
export function appendSummary(markdown) {
  const path = process.env.GITHUB_STEP_SUMMARY;
  if (!path) return false;
  const text = markdown.endsWith('\n') ? markdown : `${markdown}\n`;
  const used = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (used + Buffer.byteLength(text) > SUMMARY_LIMIT_BYTES) return false;
  appendFileSync(path, text);
  return true;
}

/** The log shows `***` in its place from now on. @param {string} secret */
export function mask(secret) {
  if (secret) command('add-mask', {}, secret);
}

/** An annotation; the runner shows ten of each level for a step. @param {'error' | 'warning' | 'notice'} level @param {string} text */
export function annotate(level, text, title = 'Spangate') {
  command(level, { title }, text);
}

/** One line of the log; hostile text cannot become a command in it. @param {string} text */
export function log(text) {
  const lines = text.split(/\r\n|\r|\n/u);
  process.stdout.write(lines.map((line) => `${line.trimStart().startsWith('::') ? `\u200b${line}` : line}${EOL}`).join(''));
}

/** Foreign text as it is, folded under a title, with workflow commands switched off around it. @param {string} title @param {string} text */
export function logGroup(title, text) {
  const token = randomUUID();
  process.stdout.write(`::group::${escapeData(title)}${EOL}::stop-commands::${token}${EOL}`);
  process.stdout.write(text.endsWith('\n') ? text : `${text}${EOL}`);
  process.stdout.write(`::${token}::${EOL}::endgroup::${EOL}`);
}

/** @param {string} name @param {Record<string, string>} properties @param {string} text */
function command(name, properties, text) {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(value)}`);
  process.stdout.write(`::${name}${list.length > 0 ? ` ${list.join(',')}` : ''}::${escapeData(text)}${EOL}`);
}

/** @param {string} text */
function escapeData(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** @param {string} text */
function escapeProperty(text) {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** @param {string} variable @param {string} name @param {string} value */
function writeBlock(variable, name, value) {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set: this runs only in a step of a GitHub Actions job.`);
  const delimiter = `ghadelimiter_${randomUUID()}`;
  appendFileSync(path, `${name}<<${delimiter}${EOL}${value}${EOL}${delimiter}${EOL}`);
}
