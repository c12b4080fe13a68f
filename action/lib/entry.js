/** The frame of both entry points: cancellation, and errors as one annotation instead of a stack. */
import { InputError, ToolError } from './errors.js';
import { annotate } from './runner.js';

/** Runs `work` with a signal that a cancelled job raises; sets the exit code. @param {(signal: AbortSignal) => Promise<void>} work */
export async function enter(work) {
  const cancel = new AbortController();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => cancel.abort(new Error('cancelled')));
  try {
    await work(cancel.signal);
  } catch (error) {
    process.exitCode = cancel.signal.aborted ? 130 : 1;
    if (cancel.signal.aborted) process.stdout.write('Spangate: cancelled.\n');
    else if (error instanceof InputError) annotate('error', error.message, 'Spangate: wrong input');
    else if (error instanceof ToolError) annotate('error', `${error.message}\n${error.hint}`.trim());
    else annotate('error', error instanceof Error ? (error.stack ?? error.message) : String(error), 'Spangate: internal error');
  }
}
