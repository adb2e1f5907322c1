// What the edge hub serves on 443: MQTT over WebSocket, and direct methods that modules invoke.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import { createRequire } from 'node:module';
import iothub from 'azure-iothub';
import { Hub, until } from './support/processes.js';
import { EdgeHub } from './support/edge.js';
import { Message, openDevice, openModule } from './support/devices.js';

const require = createRequire(import.meta.url);
const { MqttWs } = require('azure-iot-device-mqtt');
const { AmqpWs } = require('azure-iot-device-amqp');
let hub;
let edge;
const open = [];
before(async () => {
  hub = await Hub.start();
  const registry = iothub.Registry.fromConnectionString(hub.connectionString);
  edge = await EdgeHub.start(hub, registry, 'edge1', { up: 'FROM /messages/* INTO $upstream' });
});
after(async () => {
  await Promise.allSettled(open.map((client) => client.close()));
  await edge?.stop();
  await hub?.stop();
});

async function kept(opening) {
  const client = await opening;
  open.push(client);
  return client;
}

function call(path, { caller = 'edge1/caller', body = { methodName: 'echo' }, authorization } = {}) {
  return new Promise((resolve, reject) => {
    const headers = { ...(caller && { 'x-ms-edge-moduleId': caller }), ...(authorization && { Authorization: authorization }) };
    const request = https.request({ host: edge.host, path, method: 'POST', ca: edge.ca, headers }, (response) => {
      let text = '';
      response.on('data', (part) => { text += part; });
      response.on('end', () => resolve({ status: response.statusCode, ...JSON.parse(text) }));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

for (const [name, transport] of [['mqtt', MqttWs], ['amqp', AmqpWs]]) {
  test(`a module sends ${name} over WebSocket`, async () => {
    const client = await kept(openModule(edge, await edge.createModule(name), { transport }));
    await client.sendOutputEvent('out', new Message('over 443'));
    const sent = async () => (await hub.events(name === 'mqtt' ? 1 : 2, '--device', 'edge1')).find((event) => event.moduleId === name);
    assert.equal((await sent()).body, 'over 443');
  });
}

test('a module calls a method of another module and of a leaf device', async () => {
  const caller = await kept(openModule(edge, await edge.createModule('caller')));
  const callee = await kept(openModule(edge, await edge.createModule('callee'), { transport: MqttWs }));
  const leaf = await kept(openDevice(edge, await edge.createLeaf('leaf1')));
  callee.onMethod('echo', (request, response) => response.send(200, { got: request.payload }));
  leaf.onDeviceMethod('echo', (request, response) => response.send(418, { leaf: request.payload }));
  const invoke = (...args) => new Promise((resolve, reject) => {
    caller.invokeMethod(...args, { methodName: 'echo', payload: { a: ['ü'] }, connectTimeoutInSeconds: 10, responseTimeoutInSeconds: 10 },
      (error, result) => (error ? reject(error) : resolve(result)));
  });
  assert.deepEqual(await invoke('edge1', 'callee'), { status: 200, payload: { got: { a: ['ü'] } } });
  assert.deepEqual(await invoke('leaf1'), { status: 418, payload: { leaf: { a: ['ü'] } } });
  // The caller's own connection is as it was.
  await until('the caller still connected', () => caller.sendEvent(new Message('still here')).then(() => true));
  await assert.rejects(new Promise((resolve, reject) => {
    caller.invokeMethod('edge1', 'nobody', { methodName: 'echo', payload: null, connectTimeoutInSeconds: 0, responseTimeoutInSeconds: 5 },
      (error, result) => (error ? reject(error) : resolve(result)));
  }));
});

test('calls without proof are refused', async () => {
  assert.deepEqual(await call('/twins/leaf1/methods', { caller: '' }), { status: 400, message: 'Invalid header value for x-ms-edge-moduleId' });
  assert.deepEqual(await call('/twins/leaf1/methods', { caller: 'other/m' }), { status: 401, message: 'Only modules on the same device can invoke DirectMethods' });
  assert.deepEqual(await call('/twins/leaf1/methods'), { status: 401, message: 'Unable to authenticate device with Id edge1/caller' });
  assert.equal((await call('/devices/leaf1/messages/events')).status, 404);
});

test('a file upload is refused and sent to the hub', async () => {
  for (const path of ['/devices/leaf1/files', '/devices/leaf1/files/notifications/c1']) {
    const answer = await call(`${path}?api-version=2021-04-12`, { body: { blobName: 'x' } });
    assert.equal(answer.status, 404);
    assert.match(answer.message, /takes no file uploads: ask the IoT hub itself/);
  }
});
