/**
 * The detached process that takes traces while the job's other steps run.
 * Told `{spool, bind, key}` by its parent over IPC, it answers `{http, grpc}` (ports) or `{error}`, and then stands alone.
 */
import { httpReceiver } from './lib/receive-http.js';
import { grpcReceiver } from './lib/receive-grpc.js';
import { Intake } from './lib/intake.js';

process.once('message', (/** @type {{spool: string, bind: string, key: string}} */ told) => {
  serve(told).then(
    (ports) => process.send?.(ports, () => process.disconnect()),
    (error) => process.send?.({ error: error.message }, () => process.exit(1)),
  );
});

/** @param {{spool: string, bind: string, key: string}} told */
async function serve({ spool, bind, key }) {
  const intake = new Intake(spool);
  const http = httpReceiver(intake, key, () => process.exit(0));
  const grpc = grpcReceiver(intake);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
  return { http: await listen(http, bind), grpc: await listen(grpc, bind) };
}

/** The port that the system chose. @param {import('node:net').Server} server @param {string} host @returns {Promise<number>} */
function listen(server, host) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
}
