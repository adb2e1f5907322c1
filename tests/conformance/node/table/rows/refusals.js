// Who is not let in, and who is put out.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { RawAmqpPeer } from '../peers/raw_amqp.js';
import { refusal } from '../peers/sdk.js';

const lost = (peer) => until('the end of the connection', () => peer.isLost);
const wrongKey = Buffer.alloc(32, 1).toString('base64');

// Opens and sends; HTTPS says no at the first request only.
const attempt = (cell, identity, options) => cell.open(identity, options).then((peer) => peer.send({ body: 'x' }));

async function isRefused(cell, identity, { as = 'unauthorized', ...options } = {}) {
  const wanted = typeof as === 'string' ? as : as[cell.column.name] ?? as[cell.column.family] ?? 'unauthorized';
  await assert.rejects(attempt(cell, identity, options), (error) => refusal(error) === wanted || assert.fail(`${refusal(error)} (${error.message}) instead of ${wanted}`));
}

async function key(cell) {
  const identity = await cell.world.device();
  await isRefused(cell, identity.with({ key: wrongKey }));
  assert.equal(cell.world.eventsOf(identity).length, 0);
}

async function unknown(cell) {
  const identity = await cell.world.device();
  await isRefused(cell, identity.with({ device: 'nobody' }), { as: { 'raw-amqp': 'not found' } });
}

async function disabled(cell) {
  const identity = await cell.world.device();
  await cell.world.registry.update({ deviceId: identity.device, status: 'disabled' });
  await isRefused(cell, identity, { as: { 'raw-amqp': 'disabled', http: 'forbidden' } });
  await cell.world.registry.update({ deviceId: identity.device, status: 'enabled' });
  await attempt(cell, identity);
}

const whileConnected = (what) => async (cell) => {
  const { identity, peer } = await cell.device();
  await peer.send({ body: 'x' });
  await what(cell.world, identity.device);
  if (cell.column.family === 'http') await assert.rejects(peer.send({ body: 'y' }), (error) => ['unauthorized', 'forbidden'].includes(refusal(error)));
  else await lost(peer);
  await assert.rejects(attempt(cell, identity));
  assert.equal(cell.world.eventsOf(identity).length, 1);
};
const disable = (world, deviceId) => world.registry.update({ deviceId, status: 'disabled' });
const remove = (world, deviceId) => world.registry.delete(deviceId);
const rekey = (world, deviceId) => world.registry.update({ deviceId, authentication: { type: 'sas', symmetricKey: { primaryKey: wrongKey, secondaryKey: wrongKey } } });

async function anotherDevice(cell) {
  const one = await cell.world.device();
  const other = await cell.world.device();
  await isRefused(cell, one.with({ key: other.key }));
}

async function anotherModule(cell) {
  const device = await cell.world.device();
  const one = await cell.world.module(device.device, 'one');
  const other = await cell.world.module(device.device, 'other');
  await isRefused(cell, one.with({ key: other.key }));
  await isRefused(cell, one.with({ key: device.key }));
  await isRefused(cell, device.with({ key: one.key }));
}

async function expired(cell) {
  const identity = await cell.world.device();
  await isRefused(cell, identity, { token: identity.token(Math.floor(Date.now() / 1000) - 310) });
  // Clocks differ by up to five minutes.
  await attempt(cell, identity, { token: identity.token(Math.floor(Date.now() / 1000) - 200) });
}

async function topicOfAnother(cell) {
  const { identity, peer } = await cell.device();
  const other = await cell.world.device();
  const { path } = other;
  if (peer instanceof RawAmqpPeer) {
    for (const suffix of ['/messages/events', '/twin', '/methods/devicebound']) await assert.rejects(peer.raw.sender(`/${path}${suffix}`), { condition: 'amqp:unauthorized-access' });
    for (const suffix of ['/messages/devicebound', '/twin', '/methods/devicebound']) await assert.rejects(peer.raw.receiver(`/${path}${suffix}`), { condition: 'amqp:unauthorized-access' });
    await assert.rejects(peer.raw.sender(`/${identity.path}/modules/m/messages/events`), { condition: 'amqp:unauthorized-access' });
    return;
  }
  for (const filter of [`${path}/messages/devicebound/#`, `${path}/modules/m/#`, `${identity.path}/modules/m/inputs/#`]) assert.equal(await peer.subscribe(filter, 1), 128);
  for (const topic of [`${path}/messages/events/`, `${identity.path}/modules/m/messages/events/`, `${identity.path}/elsewhere`, '$iothub/elsewhere']) {
    const sender = await cell.open(identity);
    await assert.rejects(sender.publish(topic, 'x'), (error) => refusal(error) === 'closed');
  }
  assert.equal(cell.world.eventsOf(other).length + cell.world.eventsOf(identity).length, 0);
}

export const refusals = [
  { name: 'refused: a wrong key', run: key },
  { name: 'refused: an unknown device', run: unknown },
  { name: 'refused: a disabled device', run: disabled },
  { name: 'refused: another device’s key', run: anotherDevice },
  { name: 'refused: another module’s key, or its device’s', run: anotherModule },
  { name: 'refused: an expired token', run: expired },
  { name: 'refused: disabled while connected', run: whileConnected(disable) },
  { name: 'refused: deleted while connected', run: whileConnected(remove) },
  { name: 'refused: keys changed while connected', run: whileConnected(rekey) },
  { name: 'refused: topics and addresses of another', run: topicOfAnother, not: { sdk: { why: 'the SDK makes topics, addresses and paths from its own identity', where: 'azure-iot-common endpoint.js' } } },
];
