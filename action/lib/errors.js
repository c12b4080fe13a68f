/** The two ways in which the action cannot do its work. A verdict is never an error. */

/** Somebody wrote something wrong into the workflow; says which input and what would be right. */
export class InputError extends Error {}

/** Nothing could be judged: `message` is what happened and where, `hint` what to do about it. */
export class ToolError extends Error {
  /**
   * @param {string} message
   * @param {{hint?: string, cause?: unknown, status?: number}} [more] `status`: of the HTTP answer, if that was it
   */
  constructor(message, { hint = '', cause, status = 0 } = {}) {
    super(message, { cause });
    this.hint = hint;
    this.status = status;
  }
}

/** The innermost reason of a failed request, in words: `connect ECONNREFUSED 127.0.0.1:4318`. @param {unknown} error */
export function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? reasonOf(cause) : error.message || error.name;
}
