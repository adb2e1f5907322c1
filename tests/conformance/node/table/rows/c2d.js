// Cloud-to-device messages: what arrives, every way in which they end, and what the back end is told about that.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';

// All that arrives, in a list; `settle` does something with each.
async function collect(peer, settle = (received) => received.complete()) {
  const list = [];
  await peer.receive((received) => {
    list.push(received);
    Promise.resolve(settle?.(received, list.length)).catch((error) => { list.error = error; });
  });
  return list;
}

const arrival = (list, count) => until(`${count} deliveries`, () => {
  if (list.error) throw list.error;
  return list.length >= count;
});
const bodies = (list) => list.map((received) => received.body.toString());

async function complete({ world, device }) {
  const { identity, peer } = await device();
  const list = await collect(peer);
  await world.send(identity.device, 'hello', { messageId: 'good', ack: 'full' });
  await arrival(list, 1);
  assert.equal(list[0].body.toString(), 'hello');
  await until('an empty mailbox', async () => (await world.waiting(identity.device)) === 0);
  const record = await world.feedback(identity.device, 'good');
  assert.equal(record.statusCode, 'Success');
  assert.equal(record.deviceGenerationId, (await world.registry.get(identity.device)).responseBody.generationId);
  assert.ok(Date.now() - Date.parse(record.enqueuedTimeUtc) < 120_000);
}

async function properties({ world, column, device }) {
  const { identity, peer } = await device();
  const list = await collect(peer);
  const sent = {
    messageId: 'm-1', correlationId: 'c-1', userId: 'someone', contentType: 'text/plain', contentEncoding: 'utf-8',
    properties: { 'a b': 'c&d=e/f', größe: '€ 🌡', percent: '100%25 + 1' },
  };
  if (column.family === 'http') sent.properties = { room: '7/8 % &', other: 'a,b "c"' };
  await world.send(identity.device, '{"x":1}', sent);
  await arrival(list, 1);
  const expected = { ...sent, to: `/devices/${identity.device}/messages/devicebound` };
  for (const name of { 'sdk-amqp': ['userId'], 'sdk-http': ['userId', 'contentType', 'contentEncoding'] }[`${column.sdk ? 'sdk' : 'raw'}-${column.family}`] ?? [])
    delete expected[name];
  const got = Object.fromEntries(Object.keys(expected).map((name) => [name, list[0][name]]));
  delete got.properties['iothub-ack'];
  assert.deepEqual(got, expected);
}

async function orderAndSizes({ world, device, open }) {
  const { identity } = await device();
  const large = 'x'.repeat(65_000);
  for (const body of ['1', '', large, '4']) await world.send(identity.device, body);
  const list = await collect(await open(identity));
  await arrival(list, 4);
  assert.deepEqual(bodies(list), ['1', '', large, '4']);
  await until('an empty mailbox', async () => (await world.waiting(identity.device)) === 0);
}

async function abandon({ world, device }) {
  const { identity, peer } = await device();
  const list = await collect(peer, (received, count) => (count < 3 ? received.abandon() : received.complete()));
  await world.send(identity.device, 'again', { messageId: 'again', ack: 'full' });
  await arrival(list, 3);
  assert.deepEqual(bodies(list), ['again', 'again', 'again']);
  if (list[0].deliveryCount !== undefined) assert.deepEqual(list.map((received) => received.deliveryCount), [0, 1, 2]);
  assert.equal((await world.feedback(identity.device, 'again')).statusCode, 'Success');
}

async function reject({ world, device }) {
  const { identity, peer } = await device();
  const list = await collect(peer, (received) => received.reject());
  await world.send(identity.device, 'bad', { messageId: 'bad', ack: 'negative' });
  await arrival(list, 1);
  assert.equal((await world.feedback(identity.device, 'bad')).statusCode, 'Rejected');
  assert.equal(await world.waiting(identity.device), 0);
  assert.equal(list.length, 1);
}

async function tooOften({ world, device }) {
  const { identity, peer } = await device();
  const list = await collect(peer, (received) => received.abandon());
  await world.send(identity.device, 'never', { messageId: 'never', ack: 'full' });
  assert.equal((await world.feedback(identity.device, 'never')).statusCode, 'DeliveryCountExceeded');
  assert.equal(list.length, 10);
}

async function expires({ world, device, open }) {
  const { identity } = await device();
  await world.send(identity.device, 'late', { messageId: 'late', ack: 'full', expirySeconds: 1 });
  await world.send(identity.device, 'next');
  await until('expiry', async () => (await world.waiting(identity.device)) === 1);
  const list = await collect(await open(identity));
  await arrival(list, 1);
  assert.deepEqual(bodies(list), ['next']);
  assert.equal((await world.feedback(identity.device, 'late')).statusCode, 'Expired');
}

async function unacknowledged({ world, column, device, open }) {
  const identity = (await device()).identity;
  const first = await open(identity, column.name === 'raw-mqtt' ? { holds: true } : {});
  const held = await collect(first, null);
  await world.send(identity.device, 'a');
  await world.send(identity.device, 'b');
  await until('a delivery', () => (first.packets ?? held).length >= 1);
  await (first.vanish?.() ?? first.close());
  const list = await collect(await open(identity));
  await arrival(list, 2);
  assert.deepEqual(bodies(list), ['a', 'b']);
  await until('an empty mailbox', async () => (await world.waiting(identity.device)) === 0);
}

const refuses = (what) => async ({ world, device }) => {
  const { identity, peer } = await device();
  let refused;
  const list = await collect(peer, (received) => assert.rejects(received[what](), { name: 'NotImplementedError' }).then(() => { refused = true; }));
  await world.send(identity.device, 'x');
  await until('the refusal', () => { if (list.error) throw list.error; return refused; });
};

const noReject = (what) => ({
  'sdk-mqtt': { why: 'over MQTT a device can only complete: NotImplementedError', where: 'azure-iot-device-mqtt mqtt.js; learn.microsoft.com, iot-hub-devguide-messages-c2d', refused: refuses(what) },
  'raw-mqtt': { why: 'PUBACK is the only outcome that MQTT 3.1.1 has', where: 'learn.microsoft.com, iot-hub-devguide-messages-c2d' },
});

export const c2d = [
  { name: 'C2D: completed, with feedback', run: complete },
  {
    name: 'C2D: properties', run: properties,
    notes: {
      'sdk-amqp': 'without user id: azure-iot-amqp-base amqp_message.js toMessage', http: 'header tokens and Latin-1; message id, correlation id and to only: azure-iot-http-base http.js toMessage',
    },
  },
  { name: 'C2D: waiting messages in order, empty and 65 KB ones too', run: orderAndSizes },
  { name: 'C2D: abandoned, and redelivered with its count', run: abandon, not: noReject('abandon'), notes: { http: 'the SDK does not show the delivery count: azure-iot-http-base http.js toMessage' } },
  { name: 'C2D: rejected, with feedback', run: reject, not: noReject('reject') },
  { name: 'C2D: delivery count exceeded, with feedback', run: tooOften, not: noReject('abandon') },
  { name: 'C2D: expired, with feedback', run: expires },
  {
    name: 'C2D: not acknowledged, so again on the next connection', run: unacknowledged,
    not: {
      'sdk-mqtt': { why: 'the SDK acknowledges each message as it arrives', where: 'MQTT.js sends PUBACK by itself' },
      http: { why: 'requests hold no connection whose end could unlock a message; the lock lapses after 60 s', where: 'learn.microsoft.com, iot-hub-devguide-messages-c2d' },
    },
  },
];
