// Telemetry, as the event log has it in the end.
import assert from 'node:assert/strict';
import { refusal } from '../peers/sdk.js';

const limit = 262_144;
const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/;

async function one(cell) {
  const { identity, peer } = await cell.device();
  await peer.send({ body: '{"x":1.5}', contentType: 'application/json', contentEncoding: 'utf-8' });
  const [event] = await cell.world.events(identity, 1);
  assert.deepEqual(event.body, { x: 1.5 });
  const system = event.systemProperties;
  assert.equal(system['iothub-connection-device-id'], identity.device);
  assert.equal(system['iothub-message-source'], 'Telemetry');
  assert.match(system['iothub-enqueuedtime'], utc);
  assert.equal(system['iothub-connection-auth-generation-id'], (await cell.world.registry.get(identity.device)).responseBody.generationId);
  assert.deepEqual(JSON.parse(system['iothub-connection-auth-method']), { scope: 'device', type: 'sas', issuer: 'iothub', acceptingIpFilterRule: null });
}

const system = {
  messageId: "a-:.+%_#*?!(),=@;$'9", correlationId: '6ba7b810-9dad-41d1-80b4-00c04fd430c8', userId: 'someone', contentType: 'text/plain; charset=utf-8',
  contentEncoding: 'utf-8', expires: '2040-01-01T00:00:00.0000000Z', createdAt: '2026-01-02T03:04:05.0000000Z', subject: 'thermostat1',
  security: true, schema: 'schema1', diagnosticId: '0af7651916cd43dd8448eb211c80319c', diagnosticContext: 'creationtimeutc=1548190000',
};
const stamped = {
  messageId: 'message-id', correlationId: 'correlation-id', userId: 'user-id', contentType: 'content-type', contentEncoding: 'content-encoding',
  expires: 'absolute-expiry-time', createdAt: 'iothub-creation-time-utc', subject: 'dt-subject', security: 'iothub-interface-id',
  schema: 'iothub-message-schema', diagnosticId: 'Diagnostic-Id', diagnosticContext: 'Correlation-Context',
};
const rawOnly = ['schema', 'diagnosticId', 'diagnosticContext'];
const unsayable = { mqtt: rawOnly, amqp: [...rawOnly, 'userId'], http: [...rawOnly, 'createdAt'] };

async function everySystemProperty(cell) {
  const { identity, peer } = await cell.device();
  const said = { ...system };
  if (cell.column.sdk) for (const name of unsayable[cell.column.family]) delete said[name];
  await peer.send({ body: 'x', ...said });
  const [event] = await cell.world.events(identity, 1);
  const expected = Object.fromEntries(Object.entries(said).map(([name, value]) => [stamped[name], value]));
  expected['iothub-interface-id'] = 'urn:azureiot:Security:SecurityAgent:1';
  const got = Object.fromEntries(Object.keys(expected).map((name) => [name, event.systemProperties[name]]));
  assert.deepEqual(got, expected);
  assert.deepEqual(event.properties, {});
}

// A header holds no more than a token for a name and Latin-1 for a value.
const anyText = { 'a b': 'c&d=e/f', größe: '€ 🌡', 'per%41cent': '100%25 + 1', empty: '', 'quote"': "'\\", 'x.y/z?': '#;', $: '$.mid' };
const headers = { Room: 'größe; = 7/8 % &', empty: '', "x!#$%&'*+-.^_`|~9": 'a,b "c"' };

async function awkwardProperties(cell) {
  const { identity, peer } = await cell.device();
  const properties = cell.column.family === 'http' ? headers : anyText;
  await peer.send({ body: 'x', properties });
  const [event] = await cell.world.events(identity, 1);
  assert.deepEqual(event.properties, properties);
}

async function batch(cell) {
  const { identity, peer } = await cell.device();
  await peer.sendBatch([...Array(100).keys()].map((i) => ({ body: JSON.stringify({ i }), properties: { n: String(i) } })));
  const events = await cell.world.events(identity, 100);
  assert.deepEqual(events.map((event) => [event.body.i, event.properties.n]), [...Array(100).keys()].map((i) => [i, String(i)]));
}

async function noBatch(cell) {
  const { peer } = await cell.device();
  await assert.rejects(peer.sendBatch([{ body: 'x' }]), { name: 'NotImplementedError' });
}

async function emptyBody(cell) {
  const { identity, peer } = await cell.device();
  await peer.send({ body: '', properties: { still: 'here' } });
  const [event] = await cell.world.events(identity, 1);
  assert.equal(event.body, '');
  assert.deepEqual(event.properties, { still: 'here' });
}

async function largestBody(cell) {
  const { identity, peer } = await cell.device();
  const body = Buffer.alloc(limit - peer.overhead, 0xe4);
  await peer.send({ body });
  const [event] = await cell.world.events(identity, 1);
  assert.equal(event.bodyEncoding, 'base64');
  assert.ok(Buffer.from(event.body, 'base64').equals(body));
}

async function tooLarge(cell) {
  const { identity, peer } = await cell.device();
  const expected = cell.column.name === 'raw-mqtt' ? 'closed' : 'too large';
  await assert.rejects(peer.send({ body: Buffer.alloc(limit - peer.overhead + 1) }), (error) => refusal(error) === expected);
  // Nothing of it is kept, and the next one is taken.
  const next = peer.isLost ? await cell.open(identity) : peer;
  await next.send({ body: 'fits' });
  assert.equal((await cell.world.events(identity, 1))[0].body, 'fits');
}

// The properties count too; no SDK looks at them before it sends.
async function tooLargeByProperties(cell) {
  const { peer } = await cell.device();
  const expected = cell.column.family === 'mqtt' ? 'closed' : 'too large';
  const message = { body: Buffer.alloc(limit - peer.overhead - 10), properties: { name: '1234567' } };
  await assert.rejects(peer.send(message), (error) => refusal(error) === expected);
}

async function order(cell) {
  const { identity, peer } = await cell.device();
  const bodies = [...Array(200).keys()];
  // Over HTTPS each request has a connection of its own.
  if (cell.column.family === 'http') for (const i of bodies) await peer.send({ body: String(i) });
  else await Promise.all(bodies.map((i) => peer.send({ body: String(i) })));
  assert.deepEqual((await cell.world.events(identity, bodies.length)).map((event) => Number(event.body)), bodies);
}

const mqttBatch = 'a PUBLISH carries one message; MQTT has no batches';
const sdkBatch = 'the SDK has no batches over this transport: NotImplementedError';

export const telemetry = [
  { name: 'telemetry: one message', run: one },
  {
    name: 'telemetry: every system property', run: everySystemProperty,
    notes: {
      sdk: 'without schema and diagnostics, which the SDK has no names for',
      'sdk-amqp': 'without schema, diagnostics and user id: azure-iot-amqp-base amqp_message.js',
      http: 'without schema, diagnostics and creation time: azure-iot-device-http http.js',
    },
  },
  {
    name: 'telemetry: application properties with awkward characters', run: awkwardProperties,
    notes: { http: 'names that are header tokens and values in Latin-1: RFC 9110 section 5' },
  },
  {
    name: 'telemetry: a batch', run: batch,
    not: {
      'sdk-mqtt': { why: sdkBatch, where: 'azure-iot-device-mqtt mqtt.js sendEventBatch', refused: noBatch },
      'sdk-amqp': { why: sdkBatch, where: 'azure-iot-device-amqp amqp.js sendEventBatch', refused: noBatch },
      'raw-mqtt': { why: mqttBatch, where: 'MQTT 3.1.1 section 3.3' },
    },
  },
  { name: 'telemetry: an empty body', run: emptyBody },
  { name: 'telemetry: a body of 256 KB', run: largestBody },
  { name: 'telemetry: a byte over 256 KB is refused', run: tooLarge },
  { name: 'telemetry: properties count against 256 KB', run: tooLargeByProperties },
  { name: 'telemetry: 200 messages in order', run: order },
];
