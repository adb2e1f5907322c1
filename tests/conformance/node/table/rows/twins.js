// Twins: read, reported from the device, desired by the back end.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { refusal } from '../peers/sdk.js';

async function get({ world, device }) {
  const { identity, peer } = await device();
  await world.desire(identity, { nested: { list: [1, { two: '€' }], empty: {} }, flag: false });
  const twin = await peer.twin();
  assert.deepEqual(twin.desired, { nested: { list: [1, { two: '€' }], empty: {} }, flag: false, $version: 2 });
  assert.equal(twin.reported.$version, 1);
}

async function reported({ world, device }) {
  const { identity, peer } = await device();
  const versions = [
    await peer.report({ state: { level: 1, name: 'x', deep: { a: { b: [1, 2, { c: 3 }] } } }, gone: 1, kept: 'größe' }),
    await peer.report({ state: { level: 2, deep: { a: null } }, gone: null }),
  ];
  const seen = (await world.twin(identity)).properties.reported;
  assert.deepEqual(seen.state, { level: 2, name: 'x', deep: {} });
  assert.equal(seen.kept, 'größe');
  assert.equal('gone' in seen, false);
  assert.equal(seen.$version, 3);
  assert.match(seen.$metadata.state.level.$lastUpdated, /^\d{4}-/);
  if (versions[0] !== undefined) assert.deepEqual(versions, [2, 3]);
  const { state, $version } = (await peer.twin()).reported;
  assert.deepEqual({ state, $version }, { state: seen.state, $version: 3 });
}

// Changes that arrived, once the subscription stands: the SDK does not say when, so the back end asks until it is seen.
async function listen({ world }, identity, peer) {
  const patches = [];
  await peer.desired((patch) => patches.push(patch));
  let asked = 0;
  await until('a desired change', async () => {
    asked += 1;
    await world.desire(identity, { asked });
    return until('its arrival', () => patches.some((patch) => patch.asked === asked), 2).catch(() => false);
  });
  patches.length = 0;
  return patches;
}

async function desired(cell) {
  const { world, device } = cell;
  const { identity, peer } = await device();
  const patches = await listen(cell, identity, peer);
  const first = await world.desire(identity, { speed: 7, nested: { a: { b: [1, { c: 2 }] }, d: 'e' } });
  const second = await world.desire(identity, { nested: { a: null }, speed: null });
  await until('both changes', () => patches.length >= 2);
  assert.deepEqual(patches, [
    { speed: 7, nested: { a: { b: [1, { c: 2 }] }, d: 'e' }, $version: first },
    { nested: { a: null }, speed: null, $version: second },
  ]);
  assert.equal(second, first + 1);
  const { asked, ...now } = (await peer.twin()).desired;
  assert.deepEqual(now, { nested: { d: 'e' }, $version: second });
}

async function replaced(cell) {
  const { world, device } = cell;
  const { identity, peer } = await device();
  const patches = await listen(cell, identity, peer);
  const { etag } = await world.twin(identity);
  await world.replaceDesired(identity, { fresh: { only: true } }, etag);
  await until('the new document', () => patches.length >= 1);
  // What went is told, so that a device that merges has the same document.
  assert.deepEqual({ ...patches[0], $version: 0 }, { fresh: { only: true }, asked: null, $version: 0 });
}

async function refused({ world, column, device }) {
  const { identity, peer } = await device();
  const deep = [...Array(11)].reduce((inner) => ({ inner }), 1);
  for (const [patch, path] of [[{ text: 'x'.repeat(5000) }, 'text'], [{ 'a.b': 1 }, 'a.b'], [{ deep }, 'deep'], [{ list: [null] }, 'list']])
    await assert.rejects(peer.report(patch), (error) => error.message.includes(path) || assert.fail(error.message));
  if (!column.sdk) for (const text of ['{"a":', '[1]', '', '7']) await assert.rejects(peer.report(text), (error) => refusal(error) === 'bad argument' && error.message.length > 0);
  assert.equal((await world.twin(identity)).properties.reported.$version, 1);
  await peer.report({ good: 1 });
}

async function stale({ device }) {
  const { peer } = await device();
  assert.equal(await peer.report({ a: 1 }, 1), 2);
  await assert.rejects(peer.report({ a: 2 }, 1), (error) => refusal(error) === 'stale');
  assert.equal(await peer.report({ a: 3 }, 2), 3);
}

async function noTwin({ device }) {
  const { peer } = await device();
  await assert.rejects(peer.twin(), { name: 'NotImplementedError' });
}

async function state({ world, device }) {
  const { identity, peer } = await device();
  await peer.send({ body: 'x' });
  assert.equal((await world.twin(identity)).connectionState, 'Connected');
  await peer.close();
  await until('disconnected state', async () => (await world.twin(identity)).connectionState === 'Disconnected');
}

const not = { http: { why: 'HTTPS has no twins: NotImplementedError', where: 'azure-iot-device-http http.js; learn.microsoft.com, iot-hub-devguide-protocols', refused: noTwin } };
const onlyRaw = { ...not, sdk: { why: 'the SDK sends no condition with a patch', where: 'azure-iot-device twin.js' } };

export const twins = [
  { name: 'twin: get', run: get, not },
  { name: 'twin: reported, nested, null deletes, versions', run: reported, not },
  { name: 'twin: desired, nested, null deletes, versions', run: desired, not },
  { name: 'twin: desired replaced as a whole', run: replaced, not },
  { name: 'twin: reported over a limit is refused', run: refused, not },
  { name: 'twin: reported on a condition', run: stale, not: onlyRaw },
  { name: 'twin: connection state', run: state, not: { http: { why: 'requests are no connection', where: 'learn.microsoft.com, iot-hub-devguide-identity-registry: connectionState is of MQTT and AMQP' } } },
];
