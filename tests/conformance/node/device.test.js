import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import iothub from 'azure-iothub';
import { Hub, until } from './support/processes.js';
import { Message, next, openDevice, openModule, updateReported } from './support/devices.js';

const { Registry, Client: ServiceClient } = iothub;
let hub;
let registry;
let service;
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
  service = ServiceClient.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

const call = (device, methodName, payload, more = {}) =>
  service.invokeDeviceMethod(device, { methodName, payload, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 0, ...more });

test('telemetry arrives with its properties, body and sender', async () => {
  const client = await openDevice(hub, await hub.createDevice('t1'));
  const message = new Message(Buffer.from('{"x":1.5}'));
  message.messageId = 'id-1';
  message.correlationId = 'c-1';
  message.userId = 'u-1';
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  message.properties.add('a b', 'c&d=e/f');
  message.properties.add('utf8', 'größe €');
  await client.sendEvent(message);
  const [event] = await hub.events(1, '--device', 't1');
  assert.equal(event.deviceId, 't1');
  assert.deepEqual(event.body, { x: 1.5 });
  assert.deepEqual(event.properties, { 'a b': 'c&d=e/f', utf8: 'größe €' });
  assert.equal(event.systemProperties['message-id'], 'id-1');
  assert.equal(event.systemProperties['correlation-id'], 'c-1');
  assert.equal(event.systemProperties['user-id'], 'u-1');
  assert.equal(event.systemProperties['content-type'], 'application/json');
  assert.equal(event.systemProperties['iothub-connection-device-id'], 't1');
  assert.ok(event.systemProperties['iothub-enqueuedtime']);
  assert.deepEqual(JSON.parse(event.systemProperties['iothub-connection-auth-method']), { scope: 'device', type: 'sas', issuer: 'iothub', acceptingIpFilterRule: null });
  await client.close();
});

test('empty and 200 KB bodies, and bytes that are no text, arrive whole', async () => {
  const client = await openDevice(hub, await hub.createDevice('t2'));
  const large = Buffer.alloc(200_000, 0xe4);
  await client.sendEvent(new Message(Buffer.alloc(0)));
  await client.sendEvent(new Message(large));
  const events = await hub.events(2, '--device', 't2');
  assert.equal(events[0].body, '');
  assert.equal(events[1].bodyEncoding, 'base64');
  assert.ok(Buffer.from(events[1].body, 'base64').equals(large));
  await client.close();
});

test('a thousand messages keep their order', async () => {
  const client = await openDevice(hub, await hub.createDevice('t3'));
  const sends = [];
  for (let i = 0; i < 1000; i += 1) sends.push(client.sendEvent(new Message(JSON.stringify({ i }))));
  await Promise.all(sends);
  const events = await hub.events(1000, '--device', 't3');
  assert.deepEqual(events.map((event) => event.body.i), [...Array(1000).keys()]);
  await client.close();
});

test('acknowledged telemetry is there after kill -9 of the hub', async () => {
  const connectionString = await hub.createDevice('t4');
  const client = await openDevice(hub, connectionString);
  for (let i = 0; i < 50; i += 1) await client.sendEvent(new Message(JSON.stringify({ i })));
  await hub.restart('SIGKILL');
  const events = await hub.events(50, '--device', 't4');
  assert.deepEqual(events.map((event) => event.body.i), [...Array(50).keys()]);
  await client.close().catch(() => {});
});

test('a module sends on its outputs', async () => {
  await hub.createDevice('mod');
  const client = await openModule(hub, await hub.createModule('mod', 'm1'));
  await client.sendOutputEvent('out1', new Message('hello'));
  const [event] = await hub.events(1, '--device', 'mod');
  assert.equal(event.moduleId, 'm1');
  assert.equal(event.body, 'hello');
  await client.close();
});

test('a twin is read, reported and patched from both sides', async () => {
  const client = await openDevice(hub, await hub.createDevice('w1'));
  const twin = await client.getTwin();
  assert.equal(twin.properties.desired.$version, 1);
  await updateReported(twin, { state: { level: 1, name: 'x' }, gone: 1 });
  await updateReported(twin, { state: { level: 2 }, gone: null });
  const seen = (await registry.getTwin('w1')).responseBody;
  assert.deepEqual(seen.properties.reported.state, { level: 2, name: 'x' });
  assert.equal('gone' in seen.properties.reported, false);
  assert.equal(seen.properties.reported.$version, 3);
  // The SDK does not say when its subscription to desired changes stands, so the change is made until one is seen.
  let arrived;
  let speed = 0;
  twin.on('properties.desired.speed', (value) => { arrived = value; });
  await until('a desired change', async () => {
    speed += 1;
    await registry.updateTwin('w1', { properties: { desired: { speed, nested: { a: [1, 2, { b: 3 }] } } } }, '*');
    return until('its arrival', () => arrived === speed, 1);
  });
  assert.equal((await registry.getTwin('w1')).responseBody.connectionState, 'Connected');
  await client.close();
  await until('disconnected state', async () => (await registry.getTwin('w1')).responseBody.connectionState === 'Disconnected');
});

test('a reported patch over the limits is an error for the device', async () => {
  const client = await openDevice(hub, await hub.createDevice('w2'));
  const twin = await client.getTwin();
  await assert.rejects(updateReported(twin, { text: 'x'.repeat(5000) }));
  await client.close();
});

test('direct methods answer, fail and time out as the service says', async () => {
  const client = await openDevice(hub, await hub.createDevice('c1'));
  client.onDeviceMethod('echo', (request, response) => response.send(200, { got: request.payload }));
  client.onDeviceMethod('refuse', (request, response) => response.send(418, { reason: 'teapot' }));
  client.onDeviceMethod('silent', () => {});
  await until('methods subscribed', async () => (await call('c1', 'echo', 1).then(() => true, () => false)));
  assert.deepEqual((await call('c1', 'echo', { a: [1, 'ü'] })).result, { status: 200, payload: { got: { a: [1, 'ü'] } } });
  assert.deepEqual((await call('c1', 'refuse', null)).result, { status: 418, payload: { reason: 'teapot' } });
  await assert.rejects(call('c1', 'silent', null, { responseTimeoutInSeconds: 5 }), { name: 'GatewayTimeoutError' });
  await client.close();
  await assert.rejects(call('c1', 'echo', null), (error) => /Not found/i.test(error.message) || error.name === 'DeviceNotFoundError');
  await assert.rejects(call('nobody', 'echo', null), { name: 'DeviceNotFoundError' });
});

test('wrong key, unknown, disabled and another one’s module are refused', async () => {
  const good = await hub.createDevice('r1');
  await hub.createModule('r1', 'm');
  const key = (text) => /SharedAccessKey=(.*)$/.exec(text)[1];
  const refused = (connectionString, open = openDevice) =>
    assert.rejects(open(hub, connectionString), (error) => error.name === 'UnauthorizedError' || /not authorized/i.test(error.message));
  await refused(good.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}`));
  await refused(good.replace('DeviceId=r1', 'DeviceId=unknown'));
  const other = await hub.createDevice('r2');
  await refused(`HostName=${hub.host};DeviceId=r1;ModuleId=m;SharedAccessKey=${key(other)}`, openModule);
  await hub.ctl('identity', 'update', '-d', 'r1', '--status', 'disabled');
  await refused(good);
});

test('disabling a device drops its connection', async () => {
  const client = await openDevice(hub, await hub.createDevice('x1'));
  const gone = next(client, 'disconnect');
  await hub.ctl('identity', 'update', '-d', 'x1', '--status', 'disabled');
  await gone;
});

test('a newer connection of the same device closes the older', async () => {
  const connectionString = await hub.createDevice('x2');
  const first = await openDevice(hub, connectionString);
  const gone = next(first, 'disconnect');
  const second = await openDevice(hub, connectionString);
  await gone;
  await second.sendEvent(new Message('still here'));
  await second.close();
});
