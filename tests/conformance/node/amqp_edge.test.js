// Device and module SDKs over AMQP by way of the edge hub.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import iothub from 'azure-iothub';
import rhea from 'rhea';
import { Hub, until } from './support/processes.js';
import { EdgeHub } from './support/edge.js';
import { openDevice, openModule, Message, updateReported } from './support/devices.js';
import { RawAmqp, outcome, settle, token } from './support/raw_amqp.js';

const { Amqp } = createRequire(import.meta.url)('azure-iot-device-amqp');
const { Registry, Client: ServiceClient } = iothub;
const over = { transport: Amqp };
const routes = {
  in: 'FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint("/modules/filter/inputs/input1")',
  raw: 'FROM /messages/modules/rawsensor/outputs/out INTO BrokeredEndpoint("/modules/rawfilter/inputs/in")',
  up: 'FROM /messages/modules/filter/outputs/* INTO $upstream',
  leaf: 'FROM /messages INTO $upstream',
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

const kept = (client) => { open.push(client); return client; };

test('a message goes through a module input and back to the cloud, edited', async () => {
  const filter = kept(await openModule(edge, await edge.createModule('filter'), over));
  filter.on('inputMessage', (input, message) => {
    const edited = new Message(JSON.stringify({ ...JSON.parse(message.getData().toString()), input }));
    edited.contentType = 'application/json';
    edited.contentEncoding = 'utf-8';
    filter.sendOutputEvent('out', edited, () => filter.complete(message, () => {}));
  });
  const sensor = kept(await openModule(edge, await edge.createModule('sensor'), over));
  for (let i = 0; i < 20; i += 1) await sensor.sendOutputEvent('temperatureOutput', new Message(JSON.stringify({ i })));
  // The last route sends what the sensor said, too.
  const arrived = (await hub.events(40, '--device', 'edge1')).filter((event) => event.moduleId === 'filter');
  assert.deepEqual(arrived.map((event) => event.body), [...Array(20).keys()].map((i) => ({ i, input: 'input1' })));
  assert.equal(arrived[0].systemProperties['iothub-connection-module-id'], 'filter');
});

test('an input message that is given back comes again, and a settled one does not', async () => {
  const login = async (module) => {
    const key = /SharedAccessKey=([^;]*)/.exec(await edge.createModule(module))[1];
    const raw = await RawAmqp.open(edge);
    const answer = await raw.putToken(token(`${hub.host}/devices/edge1/modules/${module}`, key));
    assert.equal(answer.application_properties['status-code'], 200);
    return raw;
  };
  const filter = await login('rawfilter');
  const receiver = await filter.receiver('/devices/edge1/modules/rawfilter/messages/events', { autoaccept: false, credit_window: 10 });
  const sensor = await login('rawsensor');
  const sender = await sensor.sender('/devices/edge1/modules/rawsensor/messages/events');
  for (const text of ['one', 'two'])
    assert.equal(await outcome(sender, { application_properties: { 'iothub-outputname': 'out' }, body: rhea.message.data_section(Buffer.from(text)) }), 'accepted');
  const next = async () => {
    await until('an input message', () => receiver.messages.length > 0);
    const { message, delivery } = receiver.messages.shift();
    assert.equal(message.message_annotations['x-opt-input-name'], 'in');
    return { delivery, text: message.body.content.toString() };
  };
  const seen = [];
  for (let settled = 0; settled < 2;) {
    const { delivery, text } = await next();
    const again = seen.includes(text);
    await settle(delivery, again ? 'accept' : 'release');
    if (again) settled += 1;
    seen.push(text);
  }
  assert.deepEqual(seen.toSorted(), ['one', 'one', 'two', 'two']);
  filter.close();
  sensor.close();
});

test('a leaf device of the scope sends as itself', async () => {
  const leaf = kept(await openDevice(edge, await edge.createLeaf('leaf1'), over));
  await leaf.sendEvent(new Message('over AMQP'));
  const [event] = await hub.events(1, '--device', 'leaf1');
  assert.equal(event.body, 'over AMQP');
});

test('wrong keys and strangers are refused', async () => {
  const known = await edge.createModule('known');
  const refused = (connectionString, how) => assert.rejects(how(edge, connectionString, over).then((client) => client.sendEvent(new Message('x'))));
  await refused(known.replace(/SharedAccessKey=[^;]*/, `SharedAccessKey=${Buffer.alloc(32).toString('base64')}`), openModule);
  await refused(edge.through(await hub.createDevice('outsider')), openDevice);
});

test('twins and direct methods reach through the edge hub', async () => {
  const client = kept(await openModule(edge, await edge.createModule('twin'), over));
  const twin = await client.getTwin();
  await updateReported(twin, { colour: 'red' });
  await until('the reported property in the cloud', async () => (await registry.getModuleTwin('edge1', 'twin')).responseBody.properties.reported.colour === 'red');
  let seen;
  let size = 0;
  twin.on('properties.desired.size', (value) => { seen = value; });
  await until('a desired change', async () => {
    size += 1;
    await registry.updateModuleTwin('edge1', 'twin', { properties: { desired: { size } } }, '*');
    return seen;
  });
  client.onMethod('echo', (request, response) => { response.send(207, { got: request.payload }, () => {}); });
  const service = ServiceClient.fromConnectionString(hub.connectionString);
  const answer = await until('the method', async () => (await service.invokeDeviceMethod('edge1', 'twin',
    { methodName: 'echo', payload: { a: 1 }, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 5 })).result);
  assert.deepEqual(answer, { status: 207, payload: { got: { a: 1 } } });
});
