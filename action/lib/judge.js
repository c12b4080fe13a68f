/** From the session's traces to the outcome, published. */
import { InputError, ToolError } from './errors.js';
import { judgeLocally } from './judge-local.js';
import { judgeOnServer } from './judge-server.js';
import { emptyOutcome, failure, outcomeOf } from './outcome.js';
import { publish } from './publish.js';

/**
 * Judges what `collect` finds and says so everywhere; sets the exit code. Only an abort gets out as an exception.
 * @param {import('./inputs.js').Inputs} inputs
 * @param {import('./session.js').Session} session
 * @param {() => Promise<string[]>} collect paths of trace files
 * @param {AbortSignal} signal
 */
export async function judgeAndPublish(inputs, session, collect, signal) {
  const outcome = await judge(inputs, session, collect, signal);
  await publish(outcome, inputs, session, signal);
  if (outcome.failsJob) process.exitCode = 1;
}

/**
 * @param {import('./inputs.js').Inputs} inputs @param {import('./session.js').Session} session
 * @param {() => Promise<string[]>} collect @param {AbortSignal} signal
 */
async function judge(inputs, session, collect, signal) {
  try {
    const files = await collect();
    if (files.length === 0) return emptyOutcome(inputs);
    const where = inputs.server ? judgeOnServer : judgeLocally;
    const judged = await where(inputs, session, files, signal);
    return judged ? outcomeOf(judged, inputs) : emptyOutcome(inputs);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ToolError || error instanceof InputError) return failure(error, inputs);
    throw error;
  }
}
