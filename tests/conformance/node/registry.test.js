import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import iothub from 'azure-iothub';
import { Hub } from './support/processes.js';

const { Registry } = iothub;
let hub;
let registry;
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

test('a device is created, read, changed, listed and deleted', async () => {
  const created = (await registry.create({ deviceId: 'd1' })).responseBody;
  assert.equal(created.deviceId, 'd1');
  assert.equal(created.status, 'enabled');
  assert.equal(created.authentication.type, 'sas');
  assert.ok(created.authentication.symmetricKey.primaryKey.length >= 24);
  assert.match(created.generationId, /^\d+$/);
  const read = (await registry.get('d1')).responseBody;
  assert.deepEqual(read.authentication, created.authentication);
  const changed = (await registry.update({ deviceId: 'd1', status: 'disabled', statusReason: 'test' })).responseBody;
  assert.equal(changed.status, 'disabled');
  assert.notEqual(changed.etag, created.etag);
  const list = (await registry.list()).responseBody;
  assert.ok(list.some((device) => device.deviceId === 'd1'));
  await registry.delete('d1');
  await assert.rejects(registry.get('d1'), { name: 'DeviceNotFoundError' });
});

test('a second creation is refused by name', async () => {
  await registry.create({ deviceId: 'twice' });
  await assert.rejects(registry.create({ deviceId: 'twice' }), { name: 'DeviceAlreadyExistsError' });
});

test('an id with a forbidden character is refused with words', async () => {
  await assert.rejects(registry.create({ deviceId: 'a b' }), (error) => /ArgumentError/.test(error.name) && error.message.length > 0);
});

test('ids with every allowed character work', async () => {
  const id = "a-:.+%_#*?!(),=@;$'Z9";
  await registry.create({ deviceId: id });
  assert.equal((await registry.get(id)).responseBody.deviceId, id);
  assert.equal((await registry.getTwin(id)).responseBody.deviceId, id);
  await registry.delete(id);
});

test('an edge device gets its two system modules', async () => {
  await registry.create({ deviceId: 'edge', capabilities: { iotEdge: true } });
  const device = (await registry.get('edge')).responseBody;
  assert.equal(device.capabilities.iotEdge, true);
  assert.match(device.deviceScope, new RegExp(`^ms-azure-iot-edge://edge-${device.generationId}$`));
  const modules = (await registry.getModulesOnDevice('edge')).responseBody;
  assert.deepEqual(modules.map((module) => module.moduleId).sort(), ['$edgeAgent', '$edgeHub']);
});

test('modules are created, read, listed and deleted', async () => {
  await registry.create({ deviceId: 'm-owner' });
  const module = (await registry.addModule({ deviceId: 'm-owner', moduleId: 'm1', managedBy: 'me' })).responseBody;
  assert.equal(module.managedBy, 'me');
  assert.equal((await registry.getModule('m-owner', 'm1')).responseBody.generationId, module.generationId);
  await assert.rejects(registry.addModule({ deviceId: 'm-owner', moduleId: 'm1' }));
  await registry.removeModule('m-owner', 'm1');
  await assert.rejects(registry.getModule('m-owner', 'm1'));
});

test('a twin is patched, replaced and guarded by its etag', async () => {
  await registry.create({ deviceId: 'twin' });
  const first = (await registry.getTwin('twin')).responseBody;
  assert.equal(first.properties.desired.$version, 1);
  const patched = (await registry.updateTwin('twin', { tags: { site: 'north' }, properties: { desired: { a: { b: 1, c: 2 } } } }, first.etag)).responseBody;
  assert.equal(patched.tags.site, 'north');
  assert.equal(patched.properties.desired.$version, 2);
  assert.ok(patched.properties.desired.$metadata.a.b.$lastUpdated);
  await assert.rejects(registry.updateTwin('twin', { tags: {} }, first.etag), { name: 'InvalidEtagError' });
  const merged = (await registry.updateTwin('twin', { properties: { desired: { a: { b: null } } } }, '*')).responseBody;
  assert.deepEqual(merged.properties.desired.a, { c: 2 });
});

test('a patch over a limit is refused with the path, and nothing changes', async () => {
  await registry.create({ deviceId: 'limits' });
  await assert.rejects(
    registry.updateTwin('limits', { properties: { desired: { a: { b: 'x'.repeat(5000) } } } }, '*'),
    (error) => error.name === 'ArgumentError' && /a\/b|a\.b/.test(error.message));
  assert.equal((await registry.getTwin('limits')).responseBody.properties.desired.$version, 1);
});

test('content applied to an edge device sets its module twins', async () => {
  await registry.create({ deviceId: 'edge2', capabilities: { iotEdge: true } });
  await registry.applyConfigurationContentOnDevice('edge2', {
    modulesContent: {
      $edgeAgent: { 'properties.desired': { schemaVersion: '1.1', modules: {} } },
      m: { 'properties.desired': { speed: 3 } },
    },
  });
  assert.equal((await registry.getModuleTwin('edge2', '$edgeAgent')).responseBody.properties.desired.schemaVersion, '1.1');
  assert.equal((await registry.getModuleTwin('edge2', 'm')).responseBody.properties.desired.speed, 3);
});

test('a wrong key and a policy without the right are refused', async () => {
  const wrong = hub.connectionString.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 7).toString('base64')}`);
  await assert.rejects(Registry.fromConnectionString(wrong).list(), { name: 'UnauthorizedError' });
  const device = (await hub.ctl('connection-string', '--policy', 'device')).trim();
  await assert.rejects(Registry.fromConnectionString(device).list(), { name: 'UnauthorizedError' });
  const read = Registry.fromConnectionString((await hub.ctl('connection-string', '--policy', 'registryRead')).trim());
  await read.list();
  await assert.rejects(read.create({ deviceId: 'never' }), { name: 'UnauthorizedError' });
});

test('what was acknowledged is there after kill -9', async () => {
  await registry.create({ deviceId: 'kept' });
  await registry.updateTwin('kept', { properties: { desired: { kept: true } } }, '*');
  await hub.restart('SIGKILL');
  assert.equal((await registry.getTwin('kept')).responseBody.properties.desired.kept, true);
});
