// Official device and module SDKs by way of the edge hub, with the cloud hub above it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import iothub from 'azure-iothub';
import { Hub, until } from './support/processes.js';
import { EdgeHub } from './support/edge.js';
import { openDevice, openModule, Message, next, updateReported } from './support/devices.js';

const { Registry, Client: ServiceClient } = iothub;
const routes = {
  in: 'FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint("/modules/filter/inputs/input1")',
  up: 'FROM /messages/modules/filter/outputs/* INTO $upstream',
  straight: 'FROM /messages/modules/straight/* INTO $upstream',
  leaf: { route: 'FROM /messages INTO $upstream', priority: 1, timeToLiveSecs: 3600 },
};
let hub;
let edge;
let registry;
const open = [];
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
  edge = await EdgeHub.start(hub, registry, 'edge1', routes);
});
after(async () => {
  await Promise.allSettled(open.map((client) => client.close()));
  await edge?.stop();
  await hub?.stop();
});

async function module(connectionString, more) {
  const client = await openModule(edge, connectionString, more);
  open.push(client);
  return client;
}

const send = (client, text, output) => new Promise((resolve, reject) => {
  const message = new Message(text);
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  const done = (error) => (error ? reject(error) : resolve());
  if (output) client.sendOutputEvent(output, message, done);
  else client.sendEvent(message, done);
});

// All that came from one sender so far, oldest first.
async function events(device, moduleId) {
  const args = ['monitor-events', '--output', 'json', '--from-start', '--count', '1000000', '--timeout', '1', '-d', device];
  const text = await hub.ctl(...args).catch((error) => error.stdout);
  return text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line))
    .filter((event) => (event.moduleId ?? undefined) === moduleId);
}

const eventsUntil = (count, device, moduleId) => until(`${count} events of ${moduleId ?? device}`, async () => {
  const found = await events(device, moduleId);
  return found.length >= count && found;
});

test('a message goes through a module input and back to the cloud, edited', async () => {
  const filter = await module(await edge.createModule('filter'));
  filter.on('inputMessage', (input, message) => {
    assert.equal(input, 'input1');
    const edited = JSON.stringify({ ...JSON.parse(message.getData().toString()), edited: true });
    send(filter, edited, 'out').then(() => filter.complete(message, () => {}));
  });
  const sensor = await module(await edge.createModule('sensor'));
  for (let i = 0; i < 5; i += 1) await send(sensor, JSON.stringify({ i }), 'temperatureOutput');
  const arrived = await eventsUntil(5, 'edge1', 'filter');
  assert.deepEqual(arrived.map((event) => event.body), [0, 1, 2, 3, 4].map((i) => ({ i, edited: true })));
  assert.equal(arrived[0].systemProperties['iothub-connection-module-id'], 'filter');
});

test('a leaf device of the scope sends as itself', async () => {
  const leaf = await openDevice(edge, await edge.createLeaf('leaf1'));
  open.push(leaf);
  await send(leaf, '{"leaf":1}');
  const [event] = await eventsUntil(1, 'leaf1');
  assert.equal(event.deviceId, 'leaf1');
});

test('wrong keys, strangers and other scopes are refused', async () => {
  const known = await edge.createModule('known');
  await assert.rejects(openModule(edge, known.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${Buffer.alloc(32).toString('base64')}`)),
    { name: 'UnauthorizedError' });
  const outsider = edge.through(await hub.createDevice('outsider'));
  await assert.rejects(openDevice(edge, outsider), { name: 'UnauthorizedError' });
  await assert.rejects(openDevice(edge, outsider.replace('outsider', 'ghost')), { name: 'UnauthorizedError' });
});

test('twins and direct methods reach through the edge hub', async () => {
  const client = await module(await edge.createModule('twin'));
  const twin = await client.getTwin();
  await updateReported(twin, { colour: 'red' });
  await until('the reported property in the cloud', async () => {
    const { reported } = (await registry.getModuleTwin('edge1', 'twin')).responseBody.properties;
    return reported.colour === 'red';
  });
  const changed = next(twin, 'properties.desired.size');
  await registry.updateModuleTwin('edge1', 'twin', { properties: { desired: { size: 7 } } }, '*');
  assert.deepEqual(await changed, [7]);

  client.onMethod('echo', (request, response) => { response.send(207, { got: request.payload }, () => {}); });
  const service = ServiceClient.fromConnectionString(hub.connectionString);
  const answer = await until('the method', async () => (await service.invokeDeviceMethod('edge1', 'twin',
    { methodName: 'echo', payload: { a: 1 }, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 5 })).result);
  assert.deepEqual(answer, { status: 207, payload: { got: { a: 1 } } });
});

test('the own twin shows the verdict on the configuration and who is connected', async () => {
  const good = await until('the verdict', async () => {
    const reported = await edge.reported();
    return reported.lastDesiredStatus?.code === 200 && reported.clients['edge1/twin']?.status === 'Connected' && reported;
  });
  assert.equal(good.schemaVersion, '1.0');
  await edge.deploy({ ...routes, bad: 'FROM /messages/* INTO $nowhere' });
  await until('the refusal', async () => (await edge.reported()).lastDesiredStatus.code === 400);
  assert.equal((await edge.reported()).lastDesiredStatus.description,
    "Error while parsing desired properties - Error parsing route bad - System endpoint type '$nowhere' not supported.");
  await edge.deploy(routes);
  await until('the new verdict', async () => (await edge.reported()).lastDesiredStatus.code === 200);
});

test('acknowledged messages survive kill -9 of the edge hub, and the cloud being away, in order', async () => {
  const connectionString = await edge.createModule('straight');
  let client = await module(connectionString);
  await client.getTwin();
  const acknowledged = [];
  let counter = 0;
  const sendSome = async (count) => {
    for (let i = 0; i < count; i += 1) {
      const n = counter;
      counter += 1;
      try {
        await send(client, JSON.stringify({ n }), 'out');
        acknowledged.push(n);
      } catch {
        return;
      }
    }
  };
  await sendSome(20);
  const sending = sendSome(100000);
  await new Promise((resolve) => setTimeout(resolve, 150));
  await edge.restart('SIGKILL');
  await sending;
  client = await module(connectionString);
  await sendSome(20);

  // The cloud goes; so does the edge hub; both the modules and the messages stay.
  await hub.program.kill('SIGKILL');
  await sendSome(30);
  await edge.restart('SIGKILL');
  client = await module(connectionString);
  const twin = await client.getTwin();
  assert.ok(twin.properties.desired);
  await sendSome(30);
  await hub.up();

  const arrived = await until('all acknowledged messages', async () => {
    const all = (await events('edge1', 'straight')).map((event) => event.body.n);
    const seen = new Set(all);
    return acknowledged.every((n) => seen.has(n)) && all;
  }, 90);
  // Repeats are allowed, overtaking is not: each number comes first in its turn.
  const first = arrived.filter((n, i) => arrived.indexOf(n) === i);
  assert.deepEqual(first, [...first].sort((a, b) => a - b));
  assert.ok(acknowledged.length >= 100);
});
