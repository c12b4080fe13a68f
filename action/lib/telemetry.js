/**
 * The OpenTelemetry environment that later steps get, so that every SDK exports to the receiver.
 * What the user set stays; where that keeps traces away from the receiver, a warning says so.
 */

/**
 * @param {Record<string, string | undefined>} env
 * @param {{http: string, grpc: string, runId: string, commit: string}} target
 * @returns {{variables: Record<string, string>, warnings: string[]}}
 */
export function telemetryEnvironment(env, { http, grpc, runId, commit }) {
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  const endpoint = protocol === 'grpc' ? grpc : http;
  /** @type {Record<string, string>} */
  const variables = {
    SPANGATE_RECEIVER: endpoint,
    OTEL_RESOURCE_ATTRIBUTES: resourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES ?? '', { 'spangate.run': runId, 'vcs.ref.head.revision': commit }),
  };
  const ownEndpoint = !env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT === env.SPANGATE_RECEIVER;
  if (ownEndpoint) variables.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint;
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_PROTOCOL', protocol],
    ['OTEL_TRACES_EXPORTER', 'otlp'],
    ['OTEL_BSP_SCHEDULE_DELAY', '200'],
  ]) {
    if (!env[/** @type {string} */ (name)]) variables[/** @type {string} */ (name)] = /** @type {string} */ (value);
  }
  return { variables, warnings: [...obstacles(env, ownEndpoint, endpoint)] };
}

/** @param {Record<string, string | undefined>} env @param {boolean} ownEndpoint @param {string} endpoint */
function* obstacles(env, ownEndpoint, endpoint) {
  if (!ownEndpoint) {
    yield `OTEL_EXPORTER_OTLP_ENDPOINT is already ${env.OTEL_EXPORTER_OTLP_ENDPOINT}: traces go there. Unset it, or let that collector export to ${endpoint}.`;
  }
  if (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) {
    yield `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is already ${env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT}: traces go there and not to ${endpoint}.`;
  }
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') yield 'OTEL_SDK_DISABLED is true: no SDK will export a trace.';
  if (env.OTEL_TRACES_EXPORTER && !env.OTEL_TRACES_EXPORTER.split(',').some((name) => name.trim() === 'otlp')) {
    yield `OTEL_TRACES_EXPORTER is ${env.OTEL_TRACES_EXPORTER}: without otlp no trace reaches the receiver.`;
  }
  const proxy = env.http_proxy || env.HTTP_PROXY;
  const direct = (env.no_proxy || env.NO_PROXY || '').split(',').map((host) => host.trim());
  if (proxy && !direct.some((host) => host === '*' || host === '127.0.0.1')) {
    yield 'HTTP_PROXY is set and NO_PROXY does not name 127.0.0.1: exporters may send traces to the proxy instead of the receiver.';
  }
}

/** `key=value` pairs, percent-encoded as the resource SDK specification says; ours are added unless the user has the key. @param {string} given @param {Record<string, string>} added */
function resourceAttributes(given, added) {
  const pairs = given.split(',').map((pair) => pair.trim()).filter((pair) => pair && !pair.startsWith('spangate.run='));
  const keys = new Set(pairs.map((pair) => pair.split('=')[0]?.trim()));
  for (const [key, value] of Object.entries(added)) {
    if (value && !keys.has(key)) pairs.push(`${key}=${encodeURIComponent(value)}`);
  }
  return pairs.join(',');
}
