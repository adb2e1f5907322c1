// Cloud-to-device messages, where the table has no row for it: sent by hubctl and REST, received by raw MQTT.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import https from 'node:https';
import iothub from 'azure-iothub';
import { Hub, until } from './support/processes.js';
import mqtt from 'mqtt';

const { Registry } = iothub;
let hub;
let registry;
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

const send = (device, body, ...more) => hub.ctl('c2d', 'send', '-d', device, '--body', body, ...more);
const waiting = async (device) => (await registry.get(device)).responseBody.cloudToDeviceMessageCount;
const part = (text, name) => new RegExp(`${name}=([^;]*)`).exec(text)[1];

// The service API with the owner's token, for what the SDK's REST client does not offer.
function ask(method, path, { headers = {}, body } = {}) {
  const expiry = Math.floor(Date.now() / 1000) + 600;
  const sr = encodeURIComponent(hub.host);
  const key = Buffer.from(part(hub.connectionString, 'SharedAccessKey'), 'base64');
  const signature = crypto.createHmac('sha256', key).update(`${sr}\n${expiry}`).digest('base64');
  const authorization = `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=iothubowner`;
  return new Promise((resolve, reject) => {
    const request = https.request({ host: hub.host, method, path: `${path}?api-version=2021-04-12`, ca: hub.ca, headers: { authorization, ...headers } }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// A device that only PUBACKs when told to.
function rawDevice(connectionString, { acknowledge = true } = {}) {
  const id = part(connectionString, 'DeviceId');
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const sr = encodeURIComponent(`${hub.host}/devices/${id}`);
  const key = Buffer.from(/SharedAccessKey=(.*)$/.exec(connectionString)[1], 'base64');
  const signature = crypto.createHmac('sha256', key).update(`${sr}\n${expiry}`).digest('base64');
  const client = mqtt.connect({
    host: hub.host, port: 8883, protocol: 'mqtts', ca: hub.ca, clientId: id, reconnectPeriod: 0, clean: true,
    username: `${hub.host}/${id}/?api-version=2021-04-12`,
    password: `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expiry}`,
  });
  client.got = [];
  client.on('error', () => {});
  if (!acknowledge) client.handleMessage = (packet) => { client.got.push(packet); };
  else client.on('message', (topic, payload, packet) => client.got.push(packet));
  return new Promise((resolve, reject) => {
    client.once('close', () => reject(new Error('closed')));
    client.once('connect', () => {
      client.subscribe(`devices/${id}/messages/devicebound/#`, { qos: 1 }, (error) => (error ? reject(error) : resolve(client)));
    });
  });
}
const bodies = (client) => client.got.map((packet) => packet.payload.toString());

test('messages survive kill -9 of the hub', async () => {
  const connectionString = await hub.createDevice('c6');
  const holding = await rawDevice(connectionString, { acknowledge: false });
  for (const body of ['1', '2', '3']) await send('c6', body);
  await until('a delivery', () => holding.got.length >= 1);
  await hub.restart('SIGKILL');
  holding.end(true);
  assert.equal(await waiting('c6'), 3);
  const device = await rawDevice(connectionString);
  await until('all messages', () => device.got.length === 3);
  assert.deepEqual(bodies(device), ['1', '2', '3']);
  device.end(true);
});

test('the 51st message is refused, an expired one makes room', async () => {
  const connectionString = await hub.createDevice('c7');
  const path = '/selvage/devices/c7/messages/devicebound';
  const post = (body, headers) => ask('POST', path, { body, headers });
  const expiry = new Date(Date.now() + 3000).toISOString();
  assert.equal((await post('short', { 'iothub-expiry': expiry })).status, 200);
  for (let i = 1; i < 50; i += 1) assert.equal((await post(String(i))).status, 200);
  const full = await post('x');
  assert.equal(full.status, 403);
  assert.equal(full.headers['iothub-errorcode'], 'DeviceMaximumQueueDepthExceeded');
  await until('expiry', async () => (await waiting('c7')) === 49);
  assert.equal((await post('50')).status, 200);
  await assert.rejects(send('c7', 'y'), /DeviceMaximumQueueDepthExceeded/);
  const device = await rawDevice(connectionString);
  await until('messages', () => device.got.length === 50);
  assert.deepEqual(bodies(device), [...Array(50).keys()].map((i) => String(i + 1)));
  device.end(true);
});

test('what cannot be sent is refused with its reason', async () => {
  await hub.createDevice('c8');
  await assert.rejects(send('nobody', 'x'), /DeviceNotFound/);
  await assert.rejects(send('c8', 'x'.repeat(65_537)), /MessageTooLarge/);
  const past = await ask('POST', '/selvage/devices/c8/messages/devicebound', { body: 'x', headers: { 'iothub-expiry': '2020-01-01T00:00:00Z' } });
  assert.equal(past.status, 400);
  assert.equal((await ask('POST', '/selvage/devices/c8/messages/devicebound', { body: 'x', headers: { 'iothub-ack': 'perhaps' } })).status, 400);
});

test('purging empties the mailbox', async () => {
  await hub.createDevice('c9');
  for (let i = 0; i < 3; i += 1) await send('c9', 'x');
  assert.match(await hub.ctl('c2d', 'purge', '-d', 'c9'), /purged 3 messages/);
  assert.equal(await waiting('c9'), 0);
  const answer = await ask('DELETE', '/devices/c9/commands');
  assert.deepEqual(JSON.parse(answer.text), { deviceId: 'c9', moduleId: null, totalMessagesPurged: 0 });
});

test('feedback tells how messages ended', async () => {
  const connectionString = await hub.createDevice('f1');
  // Other tests' records first.
  await until('an empty queue', async () => (await hub.ctl('c2d', 'feedback', '--wait', '16')) === '', 60);
  const device = await rawDevice(connectionString);
  await send('f1', 'good', '--ack', 'full', '--message-id', 'good');
  await send('f1', 'silent', '--ack', 'negative', '--message-id', 'silent');
  await until('delivery', async () => device.got.length === 2 && (await waiting('f1')) === 0);
  device.end(true);
  await send('f1', 'late', '--ack', 'full', '--message-id', 'late', '--expiry', '0.5');
  await send('f1', 'purged', '--ack', 'negative', '--message-id', 'purged');
  await until('expiry', async () => (await waiting('f1')) === 1);
  await hub.ctl('c2d', 'purge', '-d', 'f1');
  const generation = (await registry.get('f1')).responseBody.generationId;
  const records = [];
  await until('all feedback', async () => {
    const text = await hub.ctl('c2d', 'feedback', '--wait', '16');
    records.push(...text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)));
    return records.length >= 3;
  }, 60);
  assert.deepEqual(records.map((record) => [record.originalMessageId, record.statusCode]), [['good', 'Success'], ['late', 'Expired'], ['purged', 'Purged']]);
  for (const record of records) {
    assert.equal(record.deviceId, 'f1');
    assert.equal(record.deviceGenerationId, generation);
    assert.ok(Date.now() - Date.parse(record.enqueuedTimeUtc) < 120_000);
  }
});
