// MQTT that no SDK says: bad packets, QoS 2, retain, will, stored sessions, filters, and packets in pieces.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { refusal } from '../peers/sdk.js';
import { TlsBytes, connectPacket, packet, text } from '../tls_bytes.js';

const port = 8883;

async function badConnect({ world }) {
  const identity = await world.device();
  const other = await world.device();
  const code = async (bytes) => {
    const wire = await TlsBytes.open(identity, port);
    await wire.write(bytes);
    const answer = await wire.end().catch(() => undefined);
    if (!answer) return 'open';
    if (answer.length === 0) return 'closed';
    assert.deepEqual([...answer.subarray(0, 3)], [0x20, 2, 0]);
    assert.equal(answer.length, 4);
    return answer[3];
  };
  const cases = [
    ['MQTT 3.1', { name: 'MQIsdp', level: 3 }, 1],
    ['MQTT 5', { level: 5 }, 1],
    ['a user name of another kind', { user: 'nonsense' }, 4],
    ['a client id of another', { clientId: other.clientId }, 5],
    ['a user name of another', { user: `${identity.hub}/${other.device}/?api-version=2021-04-12` }, 5],
    ['no user name', { flags: 0x02 }, 4],
    ['no password', { flags: 0x82 }, 5],
    ['a will on a topic of another', { flags: 0xc6, will: [`${other.path}/messages/events/`, 'x'] }, 5],
    ['a reserved flag', { flags: 0xc3 }, 'closed'],
    ['a password without a user name', { flags: 0x42 }, 'closed'],
    ['a will of QoS 3', { flags: 0xde, will: [`${identity.path}/messages/events/`, 'x'] }, 'closed'],
    ['will flags without a will', { flags: 0xca }, 'closed'],
    ['over 16 KB', { flags: 0xc6, will: [`${identity.path}/messages/events/`, 'x'.repeat(16_384)] }, 'closed'],
  ];
  const got = await Promise.all(cases.map(async ([name, fields]) => [name, await code(connectPacket(identity, fields))]));
  assert.deepEqual(got, cases.map(([name, , wanted]) => [name, wanted]));
  for (const first of [packet(0xc0), packet(0x30, text('a'), 'x'), packet(0x82, [0, 1], text('#'), [0]), Buffer.from('GET / HTTP/1.1\r\n\r\n')])
    assert.equal(await code(first), 'closed');
}

async function connected(identity) {
  const wire = await TlsBytes.open(identity, port);
  await wire.write(connectPacket(identity));
  await wire.got('CONNACK', (bytes) => bytes.length >= 4);
  assert.deepEqual([...wire.received], [0x20, 2, 0, 0]);
  wire.received = Buffer.alloc(0);
  return wire;
}

async function malformed({ world }) {
  const identity = await world.device();
  const events = `${identity.path}/messages/events/`;
  const cases = {
    'a second CONNECT': connectPacket(identity),
    'a length of five bytes': Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
    'type 0': packet(0x00),
    'type 15': packet(0xf0),
    'CONNACK from a client': packet(0x20, [0, 0]),
    'PINGREQ with a body': packet(0xc0, 'x'),
    'PUBLISH of QoS 3': packet(0x36, text(events), [0, 1], 'x'),
    'PUBLISH with packet id 0': packet(0x32, text(events), [0, 0], 'x'),
    'PUBLISH to a filter': packet(0x32, text('devices/#'), [0, 1], 'x'),
    'PUBLISH to no topic': packet(0x32, text(''), [0, 1], 'x'),
    'a topic that is longer than its packet': packet(0x30, [0xff, 0xff], 'abc'),
    'a topic that is no UTF-8': packet(0x32, [0, 2, 0xc3, 0x28], [0, 1], 'x'),
    'a topic with a null': packet(0x32, text(`${events}a\0b=1`), [0, 1], 'x'),
    'SUBSCRIBE without its flags': packet(0x80, [0, 1], text('$iothub/twin/res/#'), [0]),
    'SUBSCRIBE to nothing': packet(0x82, [0, 1]),
    'SUBSCRIBE with QoS 3': packet(0x82, [0, 1], text('$iothub/twin/res/#'), [3]),
    'UNSUBSCRIBE from nothing': packet(0xa2, [0, 1]),
    'PUBACK without an id': packet(0x40, [0]),
  };
  const wrong = [];
  for (const [name, bytes] of Object.entries(cases)) {
    const wire = await connected(identity);
    await wire.write(bytes);
    await wire.end().then((answer) => answer.length > 0 && wrong.push(`${name}: answered`), () => wrong.push(`${name}: taken`));
    wire.close();
  }
  assert.deepEqual(wrong, []);
  assert.equal(world.eventsOf(identity).length, 0);
  (await connected(identity)).close();
}

async function qos2({ world, device, open }) {
  const { identity, peer } = await device();
  await assert.rejects(peer.send({ body: 'x' }, { qos: 2 }), (error) => refusal(error) === 'closed');
  const next = await open(identity);
  assert.equal(await next.subscribe('$iothub/twin/res/#', 2), 1, 'granted is what there is');
  assert.equal(world.eventsOf(identity).length, 0);
}

async function retain({ world, device }) {
  const { identity, peer } = await device();
  await peer.send({ body: 'x', properties: { k: 'v' } }, { qos: 1, retain: true });
  await peer.send({ body: 'y' }, { qos: 0, retain: true });
  const wire = await connected(identity);
  await wire.write(packet(0x3a, text(`${identity.path}/messages/events/k=v`), [0, 9], 'z'));
  await wire.got('PUBACK', (bytes) => bytes.equals(Buffer.from([0x40, 2, 0, 9])));
  wire.close();
  const events = await world.events(identity, 3);
  assert.deepEqual(events.map((event) => event.properties), [{ k: 'v', 'mqtt-retain': 'true' }, { 'mqtt-retain': 'true' }, { k: 'v', 'mqtt-dup': 'true' }]);
}

async function will({ world, open }) {
  const identity = await world.device();
  const options = { will: { topic: `${identity.path}/messages/events/k=v&%24.ct=text%2Fplain`, payload: 'gone', qos: 1, retain: false } };
  const orderly = await open(identity, options);
  await orderly.send({ body: 'here' });
  await orderly.close();
  const abrupt = await open(identity, options);
  await abrupt.vanish();
  const events = await world.events(identity, 2);
  assert.deepEqual(events.map((event) => event.body), ['here', 'gone']);
  assert.deepEqual(events[1].properties, { k: 'v', 'iothub-MessageType': 'Will' });
  assert.equal(events[1].systemProperties['content-type'], 'text/plain');
}

async function storedSession({ world, open }) {
  const identity = await world.device();
  const first = await open(identity, { clean: false });
  assert.equal(first.connack.sessionPresent, false);
  const bodies = [];
  await first.receive(({ body }) => bodies.push(body.toString()));
  await first.method('echo', (payload) => ({ status: 200, payload }));
  await first.close();
  for (const body of ['a', 'b', 'c']) await world.send(identity.device, body);
  await first.reopen();
  assert.equal(first.connack.sessionPresent, true);
  await until('what was queued', () => bodies.length === 3);
  assert.deepEqual(bodies, ['a', 'b', 'c']);
  assert.deepEqual(await world.call(identity, 'echo', 1), { status: 200, payload: 1 });
  await first.close();
  const clean = await open(identity, { clean: true });
  assert.equal(clean.connack.sessionPresent, false);
  await clean.close();
  const after = await open(identity, { clean: false });
  assert.equal(after.connack.sessionPresent, false, 'a clean session ends the stored one');
}

// docs/wire/mqtt.md#filters has the sources.
async function filters({ world, open }) {
  const device = await world.device();
  const module = await world.module(device.device);
  const common = (qos) => ({ '$iothub/twin/res/#': { qos }, '$iothub/twin/PATCH/properties/desired/#': { qos }, '$iothub/methods/POST/#': { qos } });
  const sdks = {
    'Node and C': [device, { [`${device.path}/messages/devicebound/#`]: { qos: 1 }, ...common(0) }],
    'Python and C#': [device, { [`${device.path}/messages/devicebound/#`]: { qos: 1 }, ...common(1) }],
    'Node and Python modules': [module, { [`${module.path}/inputs/#`]: { qos: 1 }, ...common(0) }],
    'C and C# modules': [module, { [`${module.path}/#`]: { qos: 1 }, ...common(1) }],
  };
  for (const [name, [identity, wanted]] of Object.entries(sdks)) {
    const peer = await open(identity);
    const granted = await new Promise((resolve, reject) => peer.client.subscribe(wanted, (error, list) => (error ? reject(error) : resolve(list))));
    assert.deepEqual(Object.fromEntries(granted.map(({ topic, qos }) => [topic, { qos }])), wanted, name);
  }
  const peer = await open(device);
  for (const filter of ['#', '+/#', 'devices/#', `devices/+/messages/devicebound/#`, `${device.path}/#`, '$iothub/#', '$iothub/twin/#', '$iothub/methods/+/#'])
    assert.equal(await peer.subscribe(filter, 1), 128, filter);
  // One method alone.
  const calls = [];
  const one = await open(device);
  await one.subscribe('$iothub/methods/POST/reboot/#', 0, (rest) => calls.push(rest));
  world.call(device, 'reboot', 1, { respond: 5 }).catch(() => {});
  await until('the call', () => calls.length === 1);
}

async function c2dByQos0({ world, device }) {
  const { identity, peer } = await device();
  const got = [];
  await peer.subscribe(`${identity.path}/messages/devicebound/#`, 0, (bag, payload, { qos }) => got.push([payload.toString(), qos]));
  await world.send(identity.device, 'x');
  await until('the message', () => got.length === 1);
  assert.deepEqual(got, [['x', 0]]);
  await until('an empty mailbox', async () => (await world.waiting(identity.device)) === 0);
}

async function keepAlive({ world }) {
  const identity = await world.device();
  const wire = await TlsBytes.open(identity, port);
  await wire.write(connectPacket(identity, { keepAlive: 1 }));
  await wire.got('CONNACK', (bytes) => bytes.length >= 4);
  const began = Date.now();
  await wire.end();
  assert.ok(Date.now() - began >= 1000 && Date.now() - began < 6000, 'at one and a half times the keep-alive');
}

// CONNECT, SUBSCRIBE, a twin request and telemetry, and what they are answered with.
const flight = (identity) => [
  connectPacket(identity),
  packet(0x82, [0, 1], text('$iothub/twin/res/#'), [0]),
  packet(0x30, text('$iothub/twin/GET/?$rid=1'), ' '),
  packet(0x32, text(`${identity.path}/messages/events/k=v`), [0, 2], 'in pieces'),
  packet(0xc0),
];
const answered = (bytes) => bytes.includes('$iothub/twin/res/200/?$rid=1') && bytes.includes(Buffer.from([0x90, 3, 0, 1, 0])) &&
  bytes.includes(Buffer.from([0x40, 2, 0, 2])) && bytes.includes(Buffer.from([0xd0, 0]));

async function byteByByte({ world }) {
  const identity = await world.device();
  const wire = await TlsBytes.open(identity, port);
  await wire.write(...[...Buffer.concat(flight(identity))].map((byte) => Buffer.from([byte])));
  await wire.got('all answers', answered);
  wire.close();
  // Each packet in two, at every place.
  const steady = await connected(identity);
  const [, ...packets] = flight(identity);
  let rounds = 0;
  for (const whole of packets) {
    for (let at = 1; at < whole.length; at += 1) {
      await steady.write(whole.subarray(0, at), whole.subarray(at));
      if (whole === packets[2]) rounds += 1;
    }
  }
  const events = await world.events(identity, 1 + rounds);
  assert.ok(events.every((event) => event.body === 'in pieces' && event.properties.k === 'v'));
  steady.close();
}

async function sameFlight({ world }) {
  const identity = await world.device();
  const wire = await TlsBytes.open(identity, port, Buffer.concat(flight(identity)));
  await wire.got('all answers', answered);
  assert.deepEqual([...wire.received.subarray(0, 4)], [0x20, 2, 0, 0]);
  wire.close();
}

export const mqttWire = { badConnect, malformed, qos2, retain, will, storedSession, filters, c2dByQos0, keepAlive, byteByByte, sameFlight };
