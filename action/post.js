/** After the job's last step: end the receiver, have its traces judged, and let the job fail if it must. */
import { rmSync } from 'node:fs';
import { enter } from './lib/entry.js';
import { ToolError } from './lib/errors.js';
import { readInputs } from './lib/inputs.js';
import { judgeAndPublish } from './lib/judge.js';
import { dropReceiver, stopReceiver } from './lib/receiver.js';
import { annotate, log, mask } from './lib/runner.js';
import { keptSession } from './lib/session.js';
import { spooledFiles } from './lib/traces.js';

await enter(async (signal) => {
  const session = keptSession();
  if (!session) return;
  try {
    const inputs = readInputs();
    mask(inputs.token);
    mask(inputs.githubToken);
    if (inputs.cancelled) {
      log('The job was cancelled; its traces are not judged.');
      return;
    }
    const collect = async () => {
      const { requests, refused, reason } = await stopReceiver(session);
      log(`The receiver took ${requests} trace export requests.`);
      if (refused > 0) throw new ToolError(`The receiver refused ${refused} requests, so traces are missing. The last one: ${reason}.`);
      return spooledFiles(session.spool);
    };
    await judgeAndPublish(inputs, session, collect, signal);
  } finally {
    await dropReceiver(session);
    rmSync(session.spool, { recursive: true, force: true });
  }
});
