// Direct methods as the caller sees them.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';

// The service SDK knows no class for it.
const notFound = (code) => (error) => {
  assert.equal(error.response?.statusCode, 404, error.message);
  assert.equal(error.response.headers['iothub-errorcode'], code);
  return true;
};
const isOffline = notFound('DeviceNotOnline');

async function ok({ world, device }) {
  const { identity, peer } = await device();
  await peer.method('echo', (payload) => ({ status: 200, payload: { got: payload } }));
  for (const payload of [{ a: [1, 'ü€', { b: null }] }, null, 'text', 7, [], 'x'.repeat(100_000)])
    assert.deepEqual(await world.call(identity, 'echo', payload), { status: 200, payload: { got: payload } });
}

async function ownError({ world, device }) {
  const { identity, peer } = await device();
  await peer.method('refuse', () => ({ status: 418, payload: { reason: 'teapot' } }));
  await peer.method('fail', () => ({ status: 500, payload: null }));
  assert.deepEqual(await world.call(identity, 'refuse', null), { status: 418, payload: { reason: 'teapot' } });
  assert.deepEqual(await world.call(identity, 'fail', null), { status: 500, payload: null });
}

async function silent({ world, device }) {
  const { identity, peer } = await device();
  await peer.method('silent', () => undefined);
  await peer.method('echo', () => ({ status: 200, payload: 'still here' }));
  await assert.rejects(world.call(identity, 'silent', null, { respond: 5 }), { name: 'GatewayTimeoutError' });
  assert.deepEqual(await world.call(identity, 'echo', null), { status: 200, payload: 'still here' });
}

async function offline({ world, device }) {
  const { identity, peer } = await device();
  // Connected, but without methods, is not online for them.
  await peer.send({ body: 'x' });
  await assert.rejects(world.call(identity, 'echo', null, { connect: 0 }), isOffline);
  await peer.method('echo', () => ({ status: 200, payload: 1 }));
  assert.equal((await world.call(identity, 'echo', null)).payload, 1);
  await peer.close();
  await until('disconnected state', async () => (await world.twin(identity)).connectionState === 'Disconnected');
  await assert.rejects(world.call(identity, 'echo', null, { connect: 1 }), isOffline);
  await assert.rejects(world.call({ device: 'nobody' }, 'echo', null), { name: 'DeviceNotFoundError' });
}

async function comesOnline({ world, device, open }) {
  const { identity } = await device();
  const answer = world.call(identity, 'late', 'for you', { connect: 20 });
  const peer = await open(identity);
  await peer.method('late', (payload) => ({ status: 200, payload }));
  assert.deepEqual(await answer, { status: 200, payload: 'for you' });
}

async function gone({ world, device }) {
  const { identity, peer } = await device();
  const called = new Promise((resolve) => { peer.method('silent', () => { resolve(); }); });
  const answer = assert.rejects(world.call(identity, 'silent', null, { respond: 30 }), notFound('DeviceConnectionClosedRemotely'));
  await called;
  await peer.close();
  await answer;
}

async function noMethods({ device }) {
  const { peer } = await device();
  await assert.rejects(peer.method('any', () => undefined), { name: 'NotImplementedError' });
}

const not = { http: { why: 'HTTPS has no direct methods for devices: NotImplementedError', where: 'azure-iot-device-http http.js; learn.microsoft.com, iot-hub-devguide-protocols', refused: noMethods } };

export const methods = [
  { name: 'method: answered, with any JSON', run: ok, not },
  { name: 'method: the device’s own error status', run: ownError, not },
  { name: 'method: no answer in time', run: silent, not },
  { name: 'method: not connected', run: offline, not },
  { name: 'method: called before the device connects', run: comesOnline, not },
  { name: 'method: the device goes while it is called', run: gone, not },
];
