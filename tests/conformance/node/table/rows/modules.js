// Module identities: at the hub, and below an edge hub with inputs and outputs.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { refusal } from '../peers/sdk.js';

async function module({ world, open }) {
  const device = await world.device();
  const identity = await world.module(device.device);
  return { identity, peer: await open(identity) };
}

async function telemetry(cell) {
  const { identity, peer } = await module(cell);
  await peer.send({ body: 'plain' });
  await peer.output('out1', { body: 'by an output', properties: { k: 'v' } });
  const events = await cell.world.events(identity, 2);
  assert.deepEqual(events.map((event) => event.body), ['plain', 'by an output']);
  for (const { systemProperties: system } of events) {
    assert.equal(system['iothub-connection-device-id'], identity.device);
    assert.equal(system['iothub-connection-module-id'], 'm');
    assert.equal(JSON.parse(system['iothub-connection-auth-method']).scope, 'module');
  }
  assert.equal(events[1].properties.k, 'v');
}

async function twin(cell) {
  const { identity, peer } = await module(cell);
  const device = await cell.world.twin({ device: identity.device });
  await cell.world.desire(identity, { speed: { max: 3 } });
  assert.deepEqual((await peer.twin()).desired, { speed: { max: 3 }, $version: 2 });
  await peer.report({ state: { on: true } });
  assert.deepEqual((await cell.world.twin(identity)).properties.reported.state, { on: true });
  let seen;
  let asked = 0;
  await peer.desired((patch) => { seen = patch.asked ?? seen; });
  await until('a desired change', async () => {
    asked += 1;
    await cell.world.desire(identity, { asked });
    return until('its arrival', () => seen === asked, 2).catch(() => false);
  });
  assert.deepEqual((await cell.world.twin({ device: identity.device })).properties, device.properties, 'the device has a twin of its own');
}

async function method(cell) {
  const { identity, peer } = await module(cell);
  await peer.method('echo', (payload) => ({ status: 207, payload: { got: payload } }));
  assert.deepEqual(await cell.world.call(identity, 'echo', { a: 'ü' }), { status: 207, payload: { got: { a: 'ü' } } });
  await assert.rejects(cell.world.call({ device: identity.device }, 'echo', 1, { connect: 0 }), (error) => error.response.statusCode === 404);
}

// sensor -> output "hot" -> the edge hub -> input "in1" of filter -> output -> the cloud.
async function inputs({ world, open }) {
  const filter = await open(await world.edgeModule('filter'));
  await filter.inputs((input, received) => {
    const edited = JSON.stringify({ ...JSON.parse(received.body.toString()), input, k: received.properties.k });
    filter.output('edited', { body: edited, contentType: 'application/json', contentEncoding: 'utf-8' }).then(() => received.complete());
  });
  const sensor = await open(await world.edgeModule('sensor'));
  await sensor.output('cold', { body: '{"i":-1}' });
  for (let i = 0; i < 10; i += 1) await sensor.output('hot', { body: JSON.stringify({ i }), properties: { k: 'größe' } });
  const events = await world.events(filter.identity, 10);
  assert.deepEqual(events.map((event) => event.body), [...Array(10).keys()].map((i) => ({ i, input: 'in1', k: 'größe' })));
}

const where = 'azure-iot-device-http http.js; learn.microsoft.com, iot-hub-devguide-protocols';
const notImplemented = (what, call) => ({
  http: {
    why: `${what} over HTTPS: NotImplementedError`, where,
    refused: async (cell) => { const { peer } = await module(cell); await assert.rejects(call(peer), { name: 'NotImplementedError' }); },
  },
});
const noTelemetry = {
  http: {
    why: 'over HTTPS the SDK sends to the device’s path whoever the client is, which a module’s token does not cover: UnauthorizedError', where: 'azure-iot-device-http http.js sendEvent',
    refused: async (cell) => { const { peer } = await module(cell); await assert.rejects(peer.send({ body: 'x' }), (error) => refusal(error) === 'unauthorized'); },
  },
};

export const modules = [
  { name: 'module: telemetry', run: telemetry, not: noTelemetry },
  { name: 'module: twin', run: twin, not: notImplemented('no twins', (peer) => peer.twin()) },
  { name: 'module: method', run: method, not: notImplemented('no direct methods', (peer) => peer.method('any', () => undefined)) },
  { name: 'module: inputs and outputs, by way of an edge hub', run: inputs, not: notImplemented('no outputs or inputs', (peer) => peer.output('out', { body: 'x' })) },
];
