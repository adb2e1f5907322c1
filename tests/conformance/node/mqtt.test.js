// What an SDK cannot say: raw MQTT against the hub.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import tls from 'node:tls';
import mqtt from 'mqtt';
import { Hub, until } from './support/processes.js';

let hub;
let key;
before(async () => {
  hub = await Hub.start();
  key = /SharedAccessKey=(.*)$/.exec(await hub.createDevice('raw'))[1];
});
after(() => hub.stop());

function token(resource, secret, expires = Math.floor(Date.now() / 1000) + 3600) {
  const sr = encodeURIComponent(resource);
  const signature = crypto.createHmac('sha256', Buffer.from(secret, 'base64')).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expires}`;
}

const options = (more = {}) => ({
  host: hub.host, port: 8883, protocol: 'mqtts', ca: hub.ca, clientId: 'raw', reconnectPeriod: 0, clean: true,
  username: `${hub.host}/raw/?api-version=2021-04-12`, password: token(`${hub.host}/devices/raw`, key), ...more,
});

function connect(more) {
  return new Promise((resolve, reject) => {
    const client = mqtt.connect(options(more));
    client.once('connect', (connack) => resolve(Object.assign(client, { connack })));
    client.once('error', (error) => { client.end(true); reject(error); });
    client.once('close', () => reject(new Error('closed')));
  });
}

const closed = (client) => new Promise((resolve) => client.once('close', resolve));

test('refusals have the protocol’s own code', async () => {
  const code = async (more) => connect(more).then(() => 0, (error) => error.code ?? error.message);
  assert.equal(await code({ password: token(`${hub.host}/devices/raw`, Buffer.alloc(32).toString('base64')) }), 5);
  assert.equal(await code({ password: token(`${hub.host}/devices/raw`, key, 1000) }), 5);
  assert.equal(await code({ password: token(`${hub.host}/devices/other`, key) }), 5);
  assert.equal(await code({ clientId: 'other' }), 5);
  assert.ok([4, 5].includes(await code({ username: 'nonsense' })));
});

test('a persistent session says so when it is taken up again', async () => {
  const first = await connect({ clean: false });
  assert.equal(first.connack.sessionPresent, false);
  await new Promise((resolve, reject) => first.subscribe('$iothub/twin/res/#', (error) => (error ? reject(error) : resolve())));
  await new Promise((resolve) => first.end(false, resolve));
  const second = await connect({ clean: false });
  assert.equal(second.connack.sessionPresent, true);
  // The stored subscription is in effect without asking again.
  const answer = new Promise((resolve) => second.once('message', (topic, payload) => resolve([topic, payload])));
  second.publish('$iothub/twin/GET/?$rid=7', ' ');
  const [topic, payload] = await answer;
  assert.equal(topic, '$iothub/twin/res/200/?$rid=7');
  assert.ok(JSON.parse(payload).desired.$version >= 1);
  await new Promise((resolve) => second.end(false, resolve));
  const third = await connect({ clean: true });
  assert.equal(third.connack.sessionPresent, false);
  third.end(true);
});

test('foreign filters get 0x80, others QoS 0 or 1', async () => {
  const client = await connect();
  const granted = await new Promise((resolve) => client.subscribe({ 'devices/raw/messages/devicebound/#': { qos: 1 }, 'devices/other/messages/devicebound/#': { qos: 0 }, '$iothub/methods/POST/#': { qos: 2 } }, (error, list) => resolve(list)));
  assert.deepEqual(granted.map((one) => one.qos), [1, 128, 1]);
  client.end(true);
});

test('telemetry in another one’s name, QoS 2 and oversize close the connection', async () => {
  for (const [topic, body, qos] of [
    ['devices/other/messages/events/', 'x', 1],
    ['devices/raw/messages/events/', 'x', 2],
    ['devices/raw/messages/events/', Buffer.alloc(300_000), 1],
  ]) {
    const client = await connect();
    client.publish(topic, body, { qos });
    await closed(client);
    client.end(true);
  }
});

test('a bad twin patch is answered with an error body', async () => {
  const client = await connect();
  await new Promise((resolve) => client.subscribe('$iothub/twin/res/#', resolve));
  const answer = new Promise((resolve) => client.once('message', (topic, payload) => resolve([topic, payload])));
  client.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":');
  const [topic, payload] = await answer;
  assert.match(topic, /^\$iothub\/twin\/res\/400\/\?\$rid=1/);
  assert.ok(JSON.parse(payload).errorCode > 0);
  assert.ok(JSON.parse(payload).message.length > 0);
  client.end(true);
});

// CONNECT, SUBSCRIBE and a twin request, byte by byte, and in the same write that ends the TLS handshake.
function flight() {
  const text = (s) => Buffer.concat([Buffer.from([s.length >> 8, s.length & 255]), Buffer.from(s)]);
  const packet = (head, ...parts) => {
    const body = Buffer.concat(parts);
    const length = [];
    let rest = body.length;
    do { length.push((rest % 128) | (rest > 127 ? 128 : 0)); rest = Math.floor(rest / 128); } while (rest > 0);
    return Buffer.concat([Buffer.from([head, ...length]), body]);
  };
  const o = options();
  return Buffer.concat([
    packet(0x10, text('MQTT'), Buffer.from([4, 0xc2, 0, 60]), text('raw'), text(o.username), text(o.password)),
    packet(0x82, Buffer.from([0, 1]), text('$iothub/twin/res/#'), Buffer.from([0])),
    packet(0x30, text('$iothub/twin/GET/?$rid=1'), Buffer.from(' ')),
  ]);
}

for (const [name, write] of [
  ['in one write with the end of the handshake', (socket, bytes) => socket.write(bytes)],
  ['byte by byte', (socket, bytes) => { for (const byte of bytes) socket.write(Buffer.from([byte])); }],
]) {
  test(`a whole flight of packets works ${name}`, async () => {
    // Written before the handshake is over: Node sends it together with the client's Finished.
    const socket = tls.connect({ host: hub.host, port: 8883, ca: hub.ca });
    socket.setNoDelay(true);
    write(socket, flight());
    let received = Buffer.alloc(0);
    socket.on('data', (data) => { received = Buffer.concat([received, data]); });
    await until('the twin', () => received.includes('$iothub/twin/res/200/?$rid=1'), 10);
    assert.deepEqual([...received.subarray(0, 4)], [0x20, 2, 0, 0]);
    socket.destroy();
  });
}
