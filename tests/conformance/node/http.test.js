// The HTTPS device API: the official SDK, and what it cannot say.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import https from 'node:https';
import { createRequire } from 'node:module';
import { Hub } from './support/processes.js';
import { Message, openDevice } from './support/devices.js';

const { Http } = createRequire(import.meta.url)('azure-iot-device-http');
let hub;
before(async () => { hub = await Hub.start(); });
after(() => hub.stop());

// Without a receive policy this transport never calls back from setOptions().
const overHttp = { transport: Http, http: { receivePolicy: { interval: 1 } } };
const keyOf = (connectionString) => /SharedAccessKey=(.*)$/.exec(connectionString)[1];

function token(resource, key) {
  const expires = Math.floor(Date.now() / 1000) + 600;
  const sr = encodeURIComponent(resource);
  const signature = crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expires}`;
}

// A request as the device of `connectionString`.
function ask(connectionString, method, path, { headers = {}, body = '' } = {}) {
  const device = /DeviceId=([^;]*)/.exec(connectionString)[1];
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: hub.host, path, method, ca: hub.ca,
      headers: { Authorization: token(`${hub.host}/devices/${device}`, keyOf(connectionString)), ...headers },
    }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

test('telemetry arrives with its properties, body and sender', async () => {
  const client = await openDevice(hub, await hub.createDevice('t1'), overHttp);
  const message = new Message(Buffer.from('{"x":1.5}'));
  message.messageId = 'id-1';
  message.correlationId = 'c-1';
  message.userId = 'u-1';
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  message.properties.add('Room', 'größe; = 7');
  await client.sendEvent(message);
  const [event] = await hub.events(1, '--device', 't1');
  assert.deepEqual(event.body, { x: 1.5 });
  assert.deepEqual(event.properties, { Room: 'größe; = 7' });
  assert.equal(event.systemProperties['message-id'], 'id-1');
  assert.equal(event.systemProperties['correlation-id'], 'c-1');
  assert.equal(event.systemProperties['user-id'], 'u-1');
  assert.equal(event.systemProperties['content-type'], 'application/json');
  assert.equal(event.systemProperties['content-encoding'], 'utf-8');
  assert.equal(event.systemProperties['iothub-connection-device-id'], 't1');
  assert.equal(JSON.parse(event.systemProperties['iothub-connection-auth-method']).scope, 'device');
  await client.close();
});

test('empty and 200 KB bodies arrive whole', async () => {
  const client = await openDevice(hub, await hub.createDevice('t2'), overHttp);
  const large = Buffer.alloc(200_000, 0xe4);
  await client.sendEvent(new Message(Buffer.alloc(0)));
  await client.sendEvent(new Message(large));
  const events = await hub.events(2, '--device', 't2');
  assert.equal(events[0].body, '');
  assert.ok(Buffer.from(events[1].body, 'base64').equals(large));
  await client.close();
});

test('a batch arrives whole, in order and with its properties', async () => {
  const client = await openDevice(hub, await hub.createDevice('t3'), overHttp);
  await client.sendEventBatch([...Array(100).keys()].map((i) => {
    const message = new Message(JSON.stringify({ i }));
    message.properties.add('n', String(i));
    return message;
  }));
  const events = await hub.events(100, '--device', 't3');
  assert.deepEqual(events.map((event) => event.body.i), [...Array(100).keys()]);
  assert.equal(events[42].properties.n, '42');
  await client.close();
});

test('a module sends by its own path', async () => {
  await hub.createDevice('mod');
  const module = await hub.createModule('mod', 'm1');
  const answer = await ask(module, 'POST', '/devices/mod/modules/m1/messages/events?api-version=2020-09-30', {
    headers: { Authorization: token(`${hub.host}/devices/mod/modules/m1`, keyOf(module)) }, body: 'hello',
  });
  assert.equal(answer.status, 204);
  const [event] = await hub.events(1, '--device', 'mod');
  assert.equal(event.moduleId, 'm1');
  assert.equal(event.body, 'hello');
});

test('a C2D message is polled for and settled each way', async () => {
  const connectionString = await hub.createDevice('c2d');
  const client = await openDevice(hub, connectionString, overHttp);
  await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'one', '-p', 'k=v', '--message-id', 'm1', '--correlation-id', 'c1');
  await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'two');
  const seen = [];
  const settled = new Promise((resolve, reject) => {
    client.on('message', (message) => {
      seen.push(message);
      // The first is given back once, the second is refused.
      const done = (error) => (error ? reject(error) : seen.length === 3 && resolve());
      if (seen.length === 1) client.abandon(message, done);
      else if (message.getData().toString() === 'two') client.reject(message, done);
      else client.complete(message, done);
    });
  });
  await settled;
  assert.deepEqual(seen.map((message) => message.getData().toString()), ['one', 'one', 'two']);
  assert.equal(seen[0].messageId, 'm1');
  assert.equal(seen[0].correlationId, 'c1');
  assert.equal(seen[0].to, '/devices/c2d/messages/devicebound');
  assert.equal(seen[0].properties.getValue('iothub-app-k'), 'v');
  client.removeAllListeners('message'); // ends the polling
  await client.close();
  const poll = '/devices/c2d/messages/deviceBound?api-version=2020-09-30';
  assert.equal((await ask(connectionString, 'GET', poll)).status, 204);
  await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'three', '--content-type', 'text/plain');
  const received = await ask(connectionString, 'GET', poll);
  assert.equal(received.status, 200);
  assert.equal(received.body.toString(), 'three');
  assert.equal(received.headers.contenttype, 'text/plain');
  assert.equal(received.headers['iothub-deliverycount'], '0');
  assert.ok(received.headers['iothub-sequencenumber']);
  assert.match(received.headers.etag, /^"[0-9a-fA-F-]{36}"$/);
  const lock = received.headers.etag.slice(1, -1);
  const complete = () => ask(connectionString, 'DELETE', `/devices/c2d/messages/deviceBound/${lock}?api-version=2020-09-30`, { headers: { 'If-Match': received.headers.etag } });
  assert.equal((await complete()).status, 204);
  assert.equal((await complete()).status, 412);
});

test('a request leaves the connection of the same device alone', async () => {
  const connectionString = await hub.createDevice('both');
  const connected = await openDevice(hub, connectionString);
  let gone = false;
  connected.on('disconnect', () => { gone = true; });
  const client = await openDevice(hub, connectionString, overHttp);
  await client.sendEvent(new Message('over https'));
  await connected.sendEvent(new Message('over mqtt'));
  assert.equal((await ask(connectionString, 'GET', '/devices/both/messages/deviceBound?api-version=2020-09-30')).status, 204);
  await connected.sendEvent(new Message('over mqtt again'));
  assert.deepEqual((await hub.events(3, '--device', 'both')).map((event) => event.body), ['over https', 'over mqtt', 'over mqtt again']);
  assert.equal(gone, false);
  await connected.close();
  await client.close();
});

test('a wrong key, an unknown and a disabled device are refused', async () => {
  const good = await hub.createDevice('r1');
  const send = async (connectionString) => {
    const client = await openDevice(hub, connectionString, overHttp);
    try {
      await client.sendEvent(new Message('x'));
    } finally {
      await client.close();
    }
  };
  await assert.rejects(send(good.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}`)), { name: 'UnauthorizedError' });
  await assert.rejects(send(good.replace('DeviceId=r1', 'DeviceId=unknown')), { name: 'UnauthorizedError' });
  const other = await hub.createDevice('r2');
  assert.equal((await ask(other, 'POST', '/devices/r1/messages/events?api-version=2020-09-30')).status, 401);
  await hub.ctl('identity', 'update', '-d', 'r1', '--status', 'disabled');
  assert.ok([401, 403].includes((await ask(good, 'POST', '/devices/r1/messages/events?api-version=2020-09-30')).status));
});

test('refusals have the service’s status, code and body', async () => {
  const device = await hub.createDevice('e1');
  const code = async (...request) => {
    const answer = await ask(device, ...request);
    const { Message: message } = JSON.parse(answer.body);
    assert.equal(message.split(';')[0], `ErrorCode:${answer.headers['iothub-errorcode']}`);
    return `${answer.status} ${answer.headers['iothub-errorcode']}`;
  };
  const events = '/devices/e1/messages/events?api-version=2020-09-30';
  const batch = { 'Content-Type': 'application/vnd.microsoft.iothub.json' };
  assert.equal(await code('POST', '/devices/e1/messages/events'), '400 InvalidProtocolVersion');
  assert.equal(await code('POST', events, { body: Buffer.alloc(262_145) }), '413 MessageTooLarge');
  assert.equal(await code('POST', events, { headers: batch, body: '[{' }), '400 IotHubFormatError');
  assert.equal(await code('POST', events, { headers: batch, body: JSON.stringify(Array(501).fill({})) }), '400 ArgumentInvalid');
  assert.equal(await code('GET', events), '405 InvalidOperation');
  assert.equal(await code('DELETE', '/devices/e1/messages/deviceBound/no-such-lock?api-version=2020-09-30'), '412 DeviceMessageLockLost');
  assert.equal(await code('POST', '/devices/e1/files/notifications?api-version=2020-09-30', { body: '{"correlationId":"x","isSuccess":true}' }), '400 InvalidFileUploadCorrelationId');
});

// Last: the hub is another process afterwards.
test('a lock is lost with the hub, and its message comes again', async () => {
  const connectionString = await hub.createDevice('locked');
  await hub.ctl('c2d', 'send', '-d', 'locked', '--body', 'one');
  const box = '/devices/locked/messages/deviceBound';
  const receive = () => ask(connectionString, 'GET', `${box}?api-version=2020-09-30`);
  const complete = (lock) => ask(connectionString, 'DELETE', `${box}/${lock}?api-version=2020-09-30`);
  const first = await receive();
  assert.equal(first.body.toString(), 'one');
  assert.equal((await receive()).status, 204);
  await hub.restart('SIGKILL');
  const lost = await complete(first.headers.etag.slice(1, -1));
  assert.equal(`${lost.status} ${lost.headers['iothub-errorcode']}`, '412 DeviceMessageLockLost');
  const again = await receive();
  assert.equal(again.body.toString(), 'one');
  assert.notEqual(again.headers.etag, first.headers.etag);
  assert.equal((await complete(again.headers.etag.slice(1, -1))).status, 204);
  assert.equal((await receive()).status, 204);
});
