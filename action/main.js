/** Before the tests: start a receiver and point every SDK at it. With the input `traces`: judge those files at once. */
import { readFileSync } from 'node:fs';
import { readCheckout } from './lib/checkout.js';
import { enter } from './lib/entry.js';
import { describeRun } from './lib/event.js';
import { readInputs } from './lib/inputs.js';
import { judgeAndPublish } from './lib/judge.js';
import { startReceiver } from './lib/receiver.js';
import { annotate, exportVariable, log, mask, setOutput } from './lib/runner.js';
import { keepSession, openSession } from './lib/session.js';
import { telemetryEnvironment } from './lib/telemetry.js';
import { matchedFiles } from './lib/traces.js';

await enter(async (signal) => {
  const inputs = readInputs();
  mask(inputs.token);
  mask(inputs.githubToken);
  const workspace = process.env.GITHUB_WORKSPACE || process.cwd();
  const session = openSession(describeRun(process.env, readEvent(), readCheckout(workspace)), process.env);
  if (inputs.traces.length > 0) {
    await judgeAndPublish(inputs, session, async () => matchedFiles(inputs.traces, workspace), signal);
    return;
  }
  const { receiver, http, grpc } = await startReceiver(session, inputs.bind);
  mask(receiver.key);
  keepSession({ ...session, receiver });
  setOutput('run-id', session.runId);
  setOutput('endpoint-http', http);
  setOutput('endpoint-grpc', grpc);
  setOutput('spool', session.spool);
  const { variables, warnings } = telemetryEnvironment(process.env, { http, grpc, runId: session.runId, commit: session.run.commit });
  for (const [name, value] of Object.entries(variables)) exportVariable(name, value);
  for (const warning of warnings) annotate('warning', warning);
  log(`Spangate takes traces on ${http} (OTLP/HTTP) and ${grpc} (OTLP/gRPC); they are judged when the job's steps are done.`);
});

/** The event's payload; nothing when the runner gives none. */
function readEvent() {
  const path = process.env.GITHUB_EVENT_PATH;
  return path ? JSON.parse(readFileSync(path, 'utf8')) : {};
}
