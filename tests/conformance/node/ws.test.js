// MQTT over WebSocket on 443: the official SDK, and what it cannot say.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import { createRequire } from 'node:module';
import iothub from 'azure-iothub';
import { Hub, until } from './support/processes.js';
import { Message, next, openDevice, openModule, updateReported } from './support/devices.js';

const { MqttWs } = createRequire(import.meta.url)('azure-iot-device-mqtt');
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

const overWebSocket = { transport: MqttWs };

test('telemetry of every size arrives in order', async () => {
  const client = await openDevice(hub, await hub.createDevice('t1'), overWebSocket);
  const large = Buffer.alloc(200_000, 0xe4);
  await client.sendEvent(new Message(Buffer.alloc(0)));
  await client.sendEvent(new Message(large));
  const sends = [];
  for (let i = 0; i < 200; i += 1) sends.push(client.sendEvent(new Message(JSON.stringify({ i }))));
  await Promise.all(sends);
  const events = await hub.events(202, '--device', 't1');
  assert.equal(events[0].body, '');
  assert.ok(Buffer.from(events[1].body, 'base64').equals(large));
  assert.deepEqual(events.slice(2).map((event) => event.body.i), [...Array(200).keys()]);
  await client.close();
});

test('a module sends on its outputs', async () => {
  await hub.createDevice('mod');
  const client = await openModule(hub, await hub.createModule('mod', 'm1'), overWebSocket);
  await client.sendOutputEvent('out1', new Message('hello'));
  const [event] = await hub.events(1, '--device', 'mod');
  assert.equal(event.moduleId, 'm1');
  await client.close();
});

test('a twin is read, reported and patched from the service', async () => {
  const client = await openDevice(hub, await hub.createDevice('w1'), overWebSocket);
  const twin = await client.getTwin();
  await updateReported(twin, { state: { level: 1 } });
  assert.deepEqual((await registry.getTwin('w1')).responseBody.properties.reported.state, { level: 1 });
  // The SDK does not say when it has subscribed, so the change is made until one is seen.
  let seen;
  let speed = 0;
  twin.on('properties.desired.speed', (value) => { seen = value; });
  await until('a desired change', async () => {
    speed += 1;
    await registry.updateTwin('w1', { properties: { desired: { speed } } }, '*');
    return seen;
  });
  await client.close();
  await until('disconnected state', async () => (await registry.getTwin('w1')).responseBody.connectionState === 'Disconnected');
});

test('a direct method is answered', async () => {
  const client = await openDevice(hub, await hub.createDevice('c1'), overWebSocket);
  client.onDeviceMethod('echo', (request, response) => response.send(200, { got: request.payload }));
  const call = () => service.invokeDeviceMethod('c1', { methodName: 'echo', payload: { a: [1, 'ü'] }, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 5 });
  await until('methods subscribed', () => call().then(() => true, () => false));
  assert.deepEqual((await call()).result, { status: 200, payload: { got: { a: [1, 'ü'] } } });
  await client.close();
});

test('a wrong key is refused', async () => {
  const good = await hub.createDevice('r1');
  const wrong = good.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}`);
  await assert.rejects(openDevice(hub, wrong, overWebSocket), (error) => error.name === 'UnauthorizedError' || /not authorized/i.test(error.message));
});

test('a newer connection on 8883 closes the older one on 443', async () => {
  const connectionString = await hub.createDevice('x1');
  const first = await openDevice(hub, connectionString, overWebSocket);
  const gone = next(first, 'disconnect');
  const second = await openDevice(hub, connectionString);
  await gone;
  await second.close();
});

function upgrade(path, protocol) {
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: hub.host, port: 443, path, ca: hub.ca,
      headers: {
        Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
      },
    });
    request.on('response', (response) => { response.resume(); resolve({ status: response.statusCode }); });
    request.on('upgrade', (response, socket) => { socket.destroy(); resolve({ status: 101, protocol: response.headers['sec-websocket-protocol'] }); });
    request.on('error', reject);
    request.end();
  });
}

test('the upgrade goes by path and sub-protocol', async () => {
  assert.deepEqual(await upgrade('/$iothub/websocket', 'MQTT'), { status: 101, protocol: 'MQTT' });
  assert.deepEqual(await upgrade('/%24iothub/websocket?iothub-no-client-cert=true', 'x, mqtt'), { status: 101, protocol: 'mqtt' });
  assert.deepEqual(await upgrade('/$iothub/websocket', 'mqttv5'), { status: 400 });
  assert.deepEqual(await upgrade('/$iothub/websocket'), { status: 400 });
  assert.deepEqual(await upgrade('/elsewhere', 'mqtt'), { status: 404 });
});
