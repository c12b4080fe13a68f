/** What the action says in the end: the conclusion, and whether the job fails for it. */
import { InputError, ToolError } from './errors.js';

/**
 * @typedef {object} Judged
 * @property {import('./server.js').Verdict} verdict
 * @property {string} runId
 * @property {string} runUrl
 * @property {string} headline the report's own first line
 * @property {string[]} notes what the server did not take
 */

/**
 * @typedef {object} Outcome
 * @property {'pass' | 'fail' | 'inconclusive' | 'new' | 'skipped' | 'error'} conclusion
 * @property {Judged | null} judged null when nothing was judged
 * @property {string} headline one line for status and log
 * @property {string} detail what to do about it; empty when nothing is to be done
 * @property {boolean} failsJob
 */

/** @param {Judged} judged @param {import('./inputs.js').Inputs} inputs @returns {Outcome} */
export function outcomeOf(judged, inputs) {
  const conclusion = /** @type {Outcome['conclusion']} */ (judged.verdict.conclusion);
  return {
    conclusion,
    judged,
    headline: judged.headline || `The verdict is ${conclusion}.`,
    detail: judged.verdict.reasons.join(' '),
    failsJob: inputs.failOn.has(conclusion),
  };
}

/** @param {InputError | ToolError} error @param {import('./inputs.js').Inputs} inputs @returns {Outcome} */
export function failure(error, inputs) {
  const hint = error instanceof ToolError ? error.hint : '';
  return { conclusion: 'error', judged: null, headline: error.message, detail: hint, failsJob: error instanceof InputError || inputs.failOnError };
}

/** No trace at all, which is a mistake unless the workflow says that it may be. @param {import('./inputs.js').Inputs} inputs @returns {Outcome} */
export function emptyOutcome(inputs) {
  if (inputs.allowEmpty) return { conclusion: 'skipped', judged: null, headline: 'No traces; nothing to judge.', detail: '', failsJob: false };
  const headline = inputs.traces.length > 0 ? `No file matches the input traces: ${inputs.traces.join(' ')}` : 'No traces reached the receiver.';
  const detail =
    inputs.traces.length > 0
      ? 'Did the tests write their traces elsewhere? Paths are relative to the workspace.'
      : 'Are the tests instrumented, and do they pass on OTEL_EXPORTER_OTLP_ENDPOINT to what they start? Set allow-empty: true where no traces are expected.';
  return { conclusion: 'error', judged: null, headline, detail, failsJob: true };
}

/** Findings that are neither ignored nor approved. @param {import('./server.js').Verdict} verdict */
export function openFindings(verdict) {
  return verdict.findings.filter((finding) => finding.level !== 'ignored' && !finding.approval);
}
