// A developer's own system: everything that `selvage-hub dev` prints is taken and used by the official SDKs.
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import iothub from 'azure-iothub';
import { freshAddress, run, until } from './support/processes.js';
import { DevSystem } from './support/dev.js';
import { openDevice, openModule, Message } from './support/devices.js';

const { Registry, Client: ServiceClient } = iothub;
const systems = [];
const clients = [];
after(async () => {
  await Promise.allSettled(clients.map((client) => client.close()));
  await Promise.allSettled(systems.map((system) => system.stop()));
});

async function start(...args) {
  const system = await DevSystem.start(...args);
  systems.push(system);
  return system;
}

// At the addresses of an earlier one.
async function startAt({ host, edgeHost }, ...args) {
  const system = await DevSystem.startAt(host, edgeHost, ...args);
  systems.push(system);
  return system;
}

async function opened(promise) {
  const client = await promise;
  clients.push(client);
  return client;
}

function refused(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port }, () => { socket.destroy(); resolve(false); });
    socket.on('error', () => resolve(true));
  });
}

// The readings of one sensor lack none from the first to the last that came.
function missing(events) {
  const numbers = new Set(events.map((event) => Number(event.properties.sequenceNumber)));
  const last = Math.max(...numbers);
  return Array.from({ length: last }, (_, i) => i + 1).filter((number) => !numbers.has(number));
}

test('what it prints is all that the SDKs need, at both hubs', async (t) => {
  const system = await start('--interval', '0.5', '--sensors', '2', '--devices', '2');
  const { facts } = system;
  t.diagnostic(`ready in ${facts.readyMilliseconds} ms`);
  assert.deepEqual(facts.sensors, ['sensor1', 'sensor2']);

  const registry = Registry.fromConnectionString(facts.hub.connectionString);
  const ids = (await registry.list()).responseBody.map((device) => device.deviceId).sort();
  assert.deepEqual(ids, ['device1', 'device2', 'edge-device', 'leaf1', 'leaf2']);

  await system.telemetryUntil(3, 'edge-device', 'sensor1');
  const [reading] = await system.telemetryUntil(3, 'edge-device', 'sensor2');
  assert.ok(reading.body.machine.temperature >= 20);
  assert.equal(reading.properties.sequenceNumber, '1');

  const service = ServiceClient.fromConnectionString(facts.hub.connectionString);
  const answer = await service.invokeDeviceMethod('edge-device', 'sensor1', { methodName: 'reset', payload: {}, responseTimeoutInSeconds: 10 });
  assert.equal(answer.result.status, 200);

  const device = await opened(openDevice(system, facts.devices[0].connectionString));
  await device.sendEvent(new Message('{"from":"device"}'));
  const leaf = await opened(openDevice(system, facts.leafDevices[0].connectionString));
  await leaf.sendEvent(new Message('{"from":"leaf"}'));
  const module = await opened(openModule(system, facts.modules[0].connectionString));
  await new Promise((resolve, reject) => module.sendOutputEvent('out', new Message('{"from":"module"}'), (error) => (error ? reject(error) : resolve())));
  await system.telemetryUntil(1, 'device1');
  await system.telemetryUntil(1, 'leaf1');
  await system.telemetryUntil(1, 'edge-device', 'module1');

  const listed = await run('iotedge', ['--host', facts.edge.managementUri, 'list']);
  for (const name of ['edgeAgent', 'edgeHub', 'sensor1', 'sensor2']) assert.match(listed, new RegExp(`${name} +running`));
  const devices = await run('hubctl', ['--data', facts.hub.dataFolder, 'identity', 'list']);
  assert.match(devices, /edge-device/);

  await Promise.allSettled(clients.splice(0).map((client) => client.close()));
  const ended = await system.stop();
  assert.deepEqual(ended, { code: 0, signal: null }, system.program.output);
  assert.equal(existsSync(facts.folder), false, 'the temporary folder is gone');
  for (const at of [facts.hub, facts.edge])
    for (const port of [at.mqttPort, at.amqpPort, at.httpsPort]) assert.ok(await refused(at.host, port));
});

test('time runs as many times as fast in the hubs, and tokens of real clients stay good', async () => {
  const system = await start('--time-scale', '300', '--interval', '300', '--sensors', '1');
  const begin = Date.now();
  const readings = await system.telemetryUntil(5, 'edge-device', 'sensor1', 20);
  const seconds = (Date.now() - begin) / 1000;
  const times = readings.map((event) => Date.parse(event.body.timeCreated) / 1000);
  for (let i = 1; i < times.length; i += 1) assert.ok(times[i] - times[i - 1] >= 299 && times[i] - times[i - 1] < 900, `${times}`);
  assert.ok(seconds < 15, `five readings took ${seconds} s`);
  // An SDK's token is good for an hour: by the hub's own clock that is over.
  await until('an hour in the hub', () => Date.parse(system.telemetry('edge-device', 'sensor1').at(-1).enqueuedTime) > Date.now() + 3900_000, 30);
  const device = await opened(openDevice(system, system.facts.devices[0].connectionString));
  await device.sendEvent(new Message('{}'));
  const leaf = await opened(openDevice(system, system.facts.leafDevices[0].connectionString));
  await leaf.sendEvent(new Message('{}'));
  await system.telemetryUntil(1, 'leaf1');
  await system.stop();
});

test('faults come as asked for and no reading is lost', async (t) => {
  const system = await start('--interval', '0.05', '--sensors', '2', '--fault', 'drop-connection:900ms', '--fault', 'hub-restart:1300ms',
    '--fault', 'upstream-down:1700ms:400ms', '--fault', 'disk-full:2300ms:300ms', '--fault', 'throttle:2900ms:200ms', '--fault', 'delay:3');
  const kinds = ['drop-connection', 'hub-restart', 'upstream-down', 'disk-full', 'throttle'];
  await until('every fault twice over', () => kinds.every((kind) => system.faults(kind).length >= 4), 60);
  assert.ok(system.faults('delay').length === 1);
  for (const sensor of system.facts.sensors) {
    const so = system.telemetry('edge-device', sensor).length;
    const events = await system.telemetryUntil(so + 20, 'edge-device', sensor, 120);    // waits between redials grow while the cuts go on
    assert.deepEqual(missing(events), [], `readings of ${sensor}`);
    t.diagnostic(`${sensor}: ${new Set(events.map((event) => event.properties.sequenceNumber)).size} readings, none lost`);
  }
  assert.deepEqual(await system.stop(), { code: 0, signal: null }, system.program.output);
});

test('a folder of its own stays, and the next run goes on with it', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'selvage-dev-test-'));
  try {
    const data = path.join(folder, 'data');
    const first = await start('--data', data, '--sensors', '1', '--interval', '0.5');
    await first.stop();
    const second = await startAt(first, '--data', data);
    assert.equal(second.facts.devices[0].connectionString, first.facts.devices[0].connectionString);
    await second.telemetryUntil(1, 'edge-device', 'sensor1');
    await second.stop();
    assert.ok(existsSync(data));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('what cannot be is refused in words that say what to do', async () => {
  const fails = (args, code, words) => assert.rejects(run('selvage-hub', ['dev', ...args]), (error) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.stderr, words);
    return true;
  });
  await fails(['--fault', 'flood:1s'], 2, /fault 'flood:1s' is not known; known are upstream-down:EVERY:FOR, delay:/);
  await fails(['--fault', 'upstream-down:1s'], 2, /upstream-down:EVERY:FOR/);
  await fails(['--ports', '1'], 2, /MQTT,AMQP,HTTPS/);
  await fails(['--time-scale', '0'], 2, /--time-scale/);
  await fails(['--listen', '0.0.0.0'], 2, /address of this machine that clients can dial/);
  const host = freshAddress();
  const taken = net.createServer();
  await new Promise((resolve) => taken.listen(8883, host, resolve));
  await fails(['--listen', host, '--edge-listen', freshAddress()], 1, new RegExp(`${host}:8883.*--ports 0`));
  await fails(['--listen', freshAddress(), '--edge-listen', host], 1, new RegExp(`${host}:8883.*--edge-listen`));
  taken.close();
  const folder = mkdtempSync(path.join(tmpdir(), 'selvage-dev-test-'));
  writeFileSync(path.join(folder, 'precious'), 'x');
  await fails(['--data', folder], 1, /something else in it/);
  assert.ok(existsSync(path.join(folder, 'precious')));
  rmSync(folder, { recursive: true });
});
