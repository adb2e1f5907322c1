// One device, one hub, a real Docker engine: what the README promises, and what must survive.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { System, runsOf, until, version } from './support/system.js';
import { bin } from '../conformance/node/support/processes.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const system = new System();
let output;
before(async () => { output = await system.up(); }, { timeout: 900_000 });
after(() => system.down(), { timeout: 120_000 });

const latest = async (module) => (await system.events(module)).length;
const growsFrom = (module, count, seconds = 60) => until(`more telemetry from ${module}`, async () => (await latest(module)) > count, seconds);

test('quickstart shows telemetry with its device and module id, and how to look and stop', () => {
  const events = output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  assert.ok(events.length >= 3);
  for (const event of events) {
    assert.equal(event.deviceId, system.device);
    assert.equal(event.moduleId, 'tempSensor');
    assert.equal(typeof event.body.machine.temperature, 'number');
  }
  assert.match(output, /iotedge list/);
  assert.match(output, /--down/);
});

test('a second quickstart finds what is there', async () => {
  const started = Date.now();
  await system.up();
  assert.ok(Date.now() - started < 60_000);
});

test('the agent reports what runs', async () => {
  await until('status 200', async () => {
    const reported = (await system.twin('$edgeAgent')).properties.reported;
    return reported.lastDesiredStatus.code === 200 && reported.modules.tempSensor.runtimeStatus === 'running' &&
      reported.systemModules.edgeHub.runtimeStatus === 'running';
  }, 60);
  const list = await system.iotedge('list');
  assert.match(list, /^NAME +STATUS +DESCRIPTION +Config/);
  for (const name of ['edgeAgent', 'edgeHub', 'tempSensor']) assert.match(list, new RegExp(`^${name} +running +Up `, 'm'));
  assert.match(await system.iotedge('logs', 'tempSensor', '--tail', '5'), /\S/);
});

test('no secret is in a log, a process list or a container’s log', async () => {
  const secrets = [];
  for (const args of [[], ['--device', system.device], ['--device', system.device, '--module', 'tempSensor'], ['--device', system.device, '--module', '$edgeHub']]) {
    const text = (await system.hubctl('connection-string', ...args)).trim();
    secrets.push(/SharedAccessKey=(.*)$/.exec(text)[1]);
  }
  let text = system.logs() + (await system.exec('ps', ['axww', '-o', 'args']));
  for (const name of ['edgeAgent', 'edgeHub', 'tempSensor']) text += await system.docker('logs', name);
  for (const secret of secrets) assert.equal(text.includes(secret), false);
  assert.doesNotMatch(text, /sig=[A-Za-z0-9%+/]{20}/);
  assert.doesNotMatch(text, /BEGIN (EC |RSA )?PRIVATE KEY/);
});

test('a module in Node with the official SDK edits the sensor’s messages', async () => {
  const tag = `selvage-test/filter:${version}`;
  await system.exec(path.join(here, 'filter/build'), [tag]);
  await system.deploy((content) => {
    content.$edgeAgent['properties.desired'].modules.filter = {
      version: '1', type: 'docker', status: 'running', restartPolicy: 'always', imagePullPolicy: 'never', settings: { image: tag },
    };
    Object.assign(content.$edgeHub['properties.desired'].routes, {
      toFilter: 'FROM /messages/modules/tempSensor/outputs/temperatureOutput INTO BrokeredEndpoint("/modules/filter/inputs/input1")',
      fromFilter: 'FROM /messages/modules/filter/outputs/output1 INTO $upstream',
    });
  });
  await until('an edited message', async () => (await latest('filter')) > 3, 120);
  for (const event of await system.events('filter')) {
    assert.equal(event.properties.edited, 'yes');
    assert.ok(Math.abs(event.body.fahrenheit - (event.body.machine.temperature * 1.8 + 32)) < 1e-9);
  }
  await until('its method', async () => {
    const answer = JSON.parse(await system.hubctl('invoke-method', '-d', system.device, '-m', 'filter', '-n', 'ping', '--payload', '5'));
    return answer.status === 200 && answer.payload.pong === 5;
  }, 30);
});

for (const name of ['tempSensor', 'edgeHub', 'edgeAgent']) {
  test(`docker kill ${name} heals by itself`, async () => {
    const before = await latest('tempSensor');
    const id = (await system.docker('inspect', '-f', '{{.State.StartedAt}}', name)).trim();
    await system.docker('kill', name);
    await until(`${name} running again`, async () =>
      (await system.docker('inspect', '-f', '{{.State.Running}} {{.State.StartedAt}}', name)).startsWith('true') &&
      (await system.docker('inspect', '-f', '{{.State.StartedAt}}', name)).trim() !== id, 90);
    await growsFrom('tempSensor', before + 2, 90);
  });
}

test('kill -9 of the edge hub at random moments loses no acknowledged message', async () => {
  // Started again at once by hand: healing, with its growing waits, is another test's matter.
  for (let i = 0; i < 5; i += 1) {
    const before = await latest('tempSensor');
    await system.docker('kill', 'edgeHub');
    await system.docker('start', 'edgeHub');
    await growsFrom('tempSensor', before + Math.floor(Math.random() * 3), 60);
  }
  checkSequences(await system.events('tempSensor'));
});

test('with the cloud hub gone for a while the sensor goes on and everything arrives in order', async () => {
  system.killHub();
  const logged = async () => (await system.docker('logs', 'tempSensor')).length;
  const at = Date.now();
  const size = await logged();
  await until('half a minute without a hub', () => Date.now() - at > 30_000, 40);
  assert.ok((await logged()) >= size);
  assert.match(await system.iotedge('list'), /^tempSensor +running/m);
  await system.up();
  const have = await latest('tempSensor');
  await growsFrom('tempSensor', have + 10, 60);
  checkSequences(await system.events('tempSensor'));
});

// Every run of the sensor: numbers from 1 without a gap; a number may come again after a restart, never out of order.
function checkSequences(events) {
  const runs = runsOf(events);
  assert.ok(runs.size > 0);
  let last = 0;
  for (const [batch, numbers] of runs) {
    last = 0;
    for (const number of numbers) {
      assert.ok(number <= last + 1, `run ${batch}: ${number} follows ${last}: a message is missing`);
      last = Math.max(last, number);
    }
  }
}

test('a malformed manifest is refused with a reason and the modules stay', async () => {
  const ids = (await system.docker('ps', '-q', '--no-trunc')).trim().split('\n').sort();
  await system.deploy((content) => { content.$edgeAgent['properties.desired'].modules.tempSensor.restartPolicy = 'sometimes'; });
  const status = await until('status 400', async () => {
    const { lastDesiredStatus } = (await system.twin('$edgeAgent')).properties.reported;
    return lastDesiredStatus.code === 400 && lastDesiredStatus;
  }, 60);
  assert.match(status.description, /^Agent configuration format is invalid\. modules\.tempSensor\.restartPolicy/);
  assert.deepEqual((await system.docker('ps', '-q', '--no-trunc')).trim().split('\n').sort(), ids);
});

test('a good manifest puts it right; a removed module goes', async () => {
  await system.deploy(() => {});
  await until('the filter gone', async () => !(await system.docker('ps', '-a', '--format', '{{.Names}}')).includes('filter'), 90);
  await until('status 200', async () => (await system.twin('$edgeAgent')).properties.reported.lastDesiredStatus.code === 200, 60);
  assert.equal('filter' in (await system.twin('$edgeAgent')).properties.reported.modules, false);
});

test('a failing image delays nobody and says why', async () => {
  await system.deploy((content) => {
    content.$edgeAgent['properties.desired'].modules.missing = {
      version: '1', type: 'docker', status: 'running', restartPolicy: 'always', imagePullPolicy: 'never', settings: { image: 'no-such/image:1' },
    };
    content.$edgeAgent['properties.desired'].modules.tempSensor.env.MessageDelay.value = '00:00:02';
  });
  const reported = await until('status 500', async () => {
    const twin = (await system.twin('$edgeAgent')).properties.reported;
    return twin.lastDesiredStatus.code === 500 && twin;
  }, 90);
  assert.match(reported.lastDesiredStatus.description, /missing/);
  await until('the sensor changed all the same', async () =>
    (await system.docker('inspect', '-f', '{{.Config.Env}}', 'tempSensor')).includes('MessageDelay=00:00:02'), 60);
  await system.deploy(() => {});
  await until('the old state', async () =>
    (await system.docker('inspect', '-f', '{{.Config.Env}}', 'tempSensor')).includes('MessageDelay=00:00:01') &&
    (await system.twin('$edgeAgent')).properties.reported.lastDesiredStatus.code === 200, 90);
});

test('the daemon may be restarted without a module noticing', async () => {
  const started = (await system.docker('inspect', '-f', '{{.State.StartedAt}}', 'tempSensor', 'edgeHub')).trim();
  process.kill(system.pid('selvaged'), 'SIGKILL');
  await system.up();
  const before = await latest('tempSensor');
  await growsFrom('tempSensor', before + 3, 60);
  assert.equal((await system.docker('inspect', '-f', '{{.State.StartedAt}}', 'tempSensor', 'edgeHub')).trim(), started);
});

test('secret files are closed to others', async () => {
  const open = await system.exec('find', [system.run, '-path', `${system.run}/docker`, '-prune', '-o', '(', '-path', '*secrets*', '-o', '-name', '*.key', '-o', '-name', 'config.toml', ')', '-type', 'f', '-perm', '/077', '-print']);
  assert.equal(open, '');
  assert.doesNotMatch(readFileSync(path.join(system.run, 'edge/deployment.json'), 'utf8'), /SharedAccessKey/);
});

test('the daemon’s runtime passes its own tests on this engine', async () => {
  // A live agent would remove the test's container as one that is not in its deployment.
  process.kill(system.pid('selvaged'), 'SIGKILL');
  await system.docker('kill', 'edgeAgent');
  const program = path.join(bin, '../tests/edge_runtime_docker_test');
  const text = await system.exec(program, [], { env: { ...system.env, SELVAGE_TEST_DOCKER: system.env.DOCKER_HOST } });
  assert.match(text, /\[  PASSED  \] \d+ tests/);
  assert.doesNotMatch(text, /SKIPPED/);
});
