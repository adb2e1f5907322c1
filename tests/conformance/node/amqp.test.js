// AMQP on 5671: the official SDK, and what it cannot say.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import sdk from 'azure-iot-device';
import iothub from 'azure-iothub';
import rhea from 'rhea';
import { Hub, until } from './support/processes.js';
import { Message, next, openDevice, openModule, updateReported } from './support/devices.js';
import { RawAmqp, outcome, token } from './support/raw_amqp.js';

const { Amqp, AmqpWs } = createRequire(import.meta.url)('azure-iot-device-amqp');
const { Registry, Client: ServiceClient } = iothub;
let hub;
let registry;
let service;
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
  service = ServiceClient.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

const keyOf = (connectionString) => /SharedAccessKey=(.*)$/.exec(connectionString)[1];
const call = (device, methodName, payload, more = {}) =>
  service.invokeDeviceMethod(device, { methodName, payload, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 0, ...more });

for (const [name, transport] of [['amqp', Amqp], ['amqp-ws', AmqpWs]]) {
  const over = { transport };

  test(`${name}: telemetry arrives with its properties, body and sender`, async () => {
    const id = `t1-${name}`;
    const client = await openDevice(hub, await hub.createDevice(id), over);
    const message = new Message(Buffer.from('{"x":1.5}'));
    message.messageId = 'id-1';
    message.correlationId = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.expiryTimeUtc = Date.parse('2030-01-01T00:00:00Z');   // the SDK cannot encode a Date, and knows no user id
    message.properties.add('a b', 'c&d=e/f');
    message.properties.add('utf8', 'größe €');
    await client.sendEvent(message);
    const [event] = await hub.events(1, '--device', id);
    assert.deepEqual(event.body, { x: 1.5 });
    assert.deepEqual(event.properties, { 'a b': 'c&d=e/f', utf8: 'größe €' });
    const system = event.systemProperties;
    assert.equal(system['message-id'], 'id-1');
    assert.equal(system['correlation-id'], '6ba7b810-9dad-41d1-80b4-00c04fd430c8');
    assert.equal(system['content-type'], 'application/json');
    assert.equal(system['content-encoding'], 'utf-8');
    assert.equal(system['absolute-expiry-time'], '2030-01-01T00:00:00.0000000Z');
    assert.equal(system['iothub-connection-device-id'], id);
    assert.equal(JSON.parse(system['iothub-connection-auth-method']).type, 'sas');
    await client.close();
  });

  test(`${name}: bodies of every size arrive in order`, async () => {
    const id = `t2-${name}`;
    const client = await openDevice(hub, await hub.createDevice(id), over);
    const large = Buffer.alloc(250_000, 0xe4);
    await client.sendEvent(new Message(Buffer.alloc(0)));
    await client.sendEvent(new Message(large));
    const sends = [];
    for (let i = 0; i < 500; i += 1) sends.push(client.sendEvent(new Message(JSON.stringify({ i }))));
    await Promise.all(sends);
    const events = await hub.events(502, '--device', id);
    assert.equal(events[0].body, '');
    assert.ok(Buffer.from(events[1].body, 'base64').equals(large));
    assert.deepEqual(events.slice(2).map((event) => event.body.i), [...Array(500).keys()]);
    await client.close();
  });

  test(`${name}: a module sends on its outputs`, async () => {
    const id = `mod-${name}`;
    await hub.createDevice(id);
    const client = await openModule(hub, await hub.createModule(id, 'm1'), over);
    await client.sendOutputEvent('out1', new Message('hello'));
    const [event] = await hub.events(1, '--device', id);
    assert.equal(event.moduleId, 'm1');
    assert.equal(event.body, 'hello');
    await client.close();
  });

  test(`${name}: a twin is read, reported and patched from both sides`, async () => {
    const id = `w1-${name}`;
    const client = await openDevice(hub, await hub.createDevice(id), over);
    const twin = await client.getTwin();
    assert.equal(twin.properties.desired.$version, 1);
    await updateReported(twin, { state: { level: 1, name: 'x' }, gone: 1 });
    await updateReported(twin, { state: { level: 2 }, gone: null });
    const seen = (await registry.getTwin(id)).responseBody;
    assert.deepEqual(seen.properties.reported.state, { level: 2, name: 'x' });
    assert.equal('gone' in seen.properties.reported, false);
    await assert.rejects(updateReported(twin, { text: 'x'.repeat(5000) }), /text/);
    let speed = 0;
    let got;
    twin.on('properties.desired.speed', (value) => { got = value; });
    await until('a desired change', async () => {
      speed += 1;
      await registry.updateTwin(id, { properties: { desired: { speed, nested: { a: [1, { b: 2 }] } } } }, '*');
      return got;
    });
    assert.equal((await registry.getTwin(id)).responseBody.connectionState, 'Connected');
    await client.close();
    await until('disconnected state', async () => (await registry.getTwin(id)).responseBody.connectionState === 'Disconnected');
  });

  test(`${name}: direct methods answer, fail and time out as the service says`, async () => {
    const id = `c1-${name}`;
    const client = await openDevice(hub, await hub.createDevice(id), over);
    client.onDeviceMethod('echo', (request, response) => response.send(200, { got: request.payload }));
    client.onDeviceMethod('refuse', (request, response) => response.send(418, { reason: 'teapot' }));
    client.onDeviceMethod('silent', () => {});
    await until('methods subscribed', async () => (await call(id, 'echo', 1).then(() => true, () => false)));
    assert.deepEqual((await call(id, 'echo', { a: [1, 'ü'] })).result, { status: 200, payload: { got: { a: [1, 'ü'] } } });
    assert.deepEqual((await call(id, 'refuse', null)).result, { status: 418, payload: { reason: 'teapot' } });
    await assert.rejects(call(id, 'silent', null, { responseTimeoutInSeconds: 5 }), { name: 'GatewayTimeoutError' });
    await client.close();
    await assert.rejects(call(id, 'echo', null), (error) => /Not found/i.test(error.message) || error.name === 'DeviceNotFoundError');
  });

  test(`${name}: wrong key, unknown, disabled and another one’s module are refused`, async () => {
    const id = `r1-${name}`;
    const good = await hub.createDevice(id);
    await hub.createModule(id, 'm');
    const refused = (connectionString, open = openDevice) =>
      assert.rejects(open(hub, connectionString, over).then((client) => client.sendEvent(new Message('x'))), /./);
    await refused(good.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}`));
    await refused(good.replace(`DeviceId=${id}`, 'DeviceId=unknown'));
    const other = await hub.createDevice(`r2-${name}`);
    await refused(`HostName=${hub.host};DeviceId=${id};ModuleId=m;SharedAccessKey=${keyOf(other)}`, openModule);
    await hub.ctl('identity', 'update', '-d', id, '--status', 'disabled');
    await refused(good);
  });
}

test('a device with a certificate needs neither SASL nor a token', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'selvage-amqp-'));
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=x509', '-keyout', 'key.pem', '-out', 'cert.pem');
  const thumbprint = openssl('x509', '-in', 'cert.pem', '-noout', '-fingerprint', '-sha256').split('=')[1].replaceAll(':', '').trim();
  await registry.create({ deviceId: 'x509', authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: thumbprint, secondaryThumbprint: thumbprint } } });
  const client = sdk.Client.fromConnectionString(`HostName=${hub.host};DeviceId=x509;x509=true`, Amqp);
  await client.setOptions({ ca: hub.ca, cert: readFileSync(path.join(folder, 'cert.pem'), 'utf8'), key: readFileSync(path.join(folder, 'key.pem'), 'utf8') });
  await client.open();
  await client.sendEvent(new Message('with a certificate'));
  const [event] = await hub.events(1, '--device', 'x509');
  assert.equal(JSON.parse(event.systemProperties['iothub-connection-auth-method']).type, 'x509');
  await client.close();
  rmSync(folder, { recursive: true, force: true });
});

test('C2D is completed, rejected and abandoned', async () => {
  const client = await openDevice(hub, await hub.createDevice('c2d'), { transport: Amqp });
  const got = [];
  const settle = { good: 'complete', bad: 'reject', again: 'abandon' };
  client.on('message', (message) => {
    const text = message.getData().toString();
    got.push(message);
    client[got.filter((one) => one.getData().toString() === text).length > 1 ? 'complete' : settle[text]](message, () => {});
  });
  await until('the link', async () => {
    await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'good', '--message-id', 'm1', '--correlation-id', 'c1', '-p', 'k=v', '--ack', 'full');
    return true;
  });
  await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'bad', '--ack', 'full', '--message-id', 'm2');
  await hub.ctl('c2d', 'send', '-d', 'c2d', '--body', 'again', '--ack', 'full', '--message-id', 'm3');
  await until('four deliveries', () => got.length === 4);
  const [first] = got;
  assert.equal(first.messageId, 'm1');
  assert.equal(first.correlationId, 'c1');
  assert.equal(first.properties.getValue('k'), 'v');
  assert.equal(first.to, '/devices/c2d/messages/devicebound');
  assert.deepEqual(got.map((one) => one.getData().toString()).filter((text) => text === 'again').length, 2);
  const records = {};
  await until('feedback', async () => {
    const text = await hub.ctl('c2d', 'feedback', '--wait', '16');
    for (const line of text.trim().split('\n').filter(Boolean)) {
      const record = JSON.parse(line);
      records[record.originalMessageId] = record.statusCode;
    }
    return Object.keys(records).length === 3;
  }, 60);
  assert.deepEqual(records, { m1: 'Success', m2: 'Rejected', m3: 'Success' });
  await client.close();
});

test('C2D tags are the lock, and a receiver that settles second is answered', async () => {
  const key = keyOf(await hub.createDevice('second'));
  const raw = await RawAmqp.open(hub);
  await raw.putToken(token(`${hub.host}/devices/second`, key));
  const receiver = await raw.receiver(`amqps://${hub.host}/devices/second/messages/deviceBound`, { rcv_settle_mode: 1, autoaccept: false, autosettle: false, credit_window: 10 });
  await hub.ctl('c2d', 'send', '-d', 'second', '--body', 'x');
  await until('a message', () => receiver.messages.length === 1);
  const { delivery, message } = receiver.messages[0];
  assert.equal(delivery.tag.length, 16);
  const guid = Buffer.from(message.message_annotations['x-opt-lock-token'].replaceAll('-', ''), 'hex');
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  assert.deepEqual(delivery.tag, Buffer.from(order.map((at) => guid[at])));
  assert.equal(typeof message.message_annotations['iothub-deliverycount'], 'number');
  const settled = new Promise((resolve) => receiver.once('settled', resolve));
  delivery.update(false, rhea.message.accepted().described());
  await settled;
  await until('an empty queue', async () => (await registry.get('second')).responseBody.cloudToDeviceMessageCount === 0);
  raw.close();
});

test('disabling a device ends its links, and a newer connection takes over', async () => {
  const connectionString = await hub.createDevice('x1');
  const first = await openDevice(hub, connectionString, { transport: Amqp });
  await first.sendEvent(new Message('one'));
  const replaced = next(first, 'disconnect');
  const second = await openDevice(hub, connectionString, { transport: Amqp });
  await second.sendEvent(new Message('two'));
  await replaced;
  const gone = next(second, 'disconnect');
  await hub.ctl('identity', 'update', '-d', 'x1', '--status', 'disabled');
  await gone;
});

test('two devices share a connection, and neither speaks for the other', async () => {
  const keys = { m1: keyOf(await hub.createDevice('m1')), m2: keyOf(await hub.createDevice('m2')) };
  const raw = await RawAmqp.open(hub);
  for (const id of ['m1', 'm2']) {
    await assert.rejects(raw.sender(`/devices/${id}/messages/events`), { condition: 'amqp:unauthorized-access' });
    const answer = await raw.putToken(token(`${hub.host}/devices/${id}`, keys[id]));
    assert.equal(answer.application_properties['status-code'], 200);
  }
  const senders = { m1: await raw.sender('/devices/m1/messages/events'), m2: await raw.sender(`amqps://${hub.host}/devices/m2/MESSAGES/events`) };
  for (let i = 0; i < 20; i += 1)
    for (const id of ['m1', 'm2']) assert.equal(await outcome(senders[id], { body: rhea.message.data_section(Buffer.from(`${id} ${i}`)) }), 'accepted');
  for (const id of ['m1', 'm2'])
    assert.deepEqual((await hub.events(20, '--device', id)).map((event) => event.body), [...Array(20).keys()].map((i) => `${id} ${i}`));
  await hub.ctl('identity', 'delete', '-d', 'm1');
  await until('m1 ended', () => senders.m1.is_closed());
  assert.equal(await outcome(senders.m2, { body: 'still here' }), 'accepted');
  raw.close();
});

test('refusals have their conditions and statuses', async () => {
  const key = keyOf(await hub.createDevice('raw'));
  const raw = await RawAmqp.open(hub);
  const status = async (text, id) => (await raw.putToken(text, id)).application_properties['status-code'];
  assert.equal(await status(token(`${hub.host}/devices/raw`, Buffer.alloc(32).toString('base64'))), 401);
  assert.equal(await status(token(`${hub.host}/devices/raw`, key, 1000)), 401);
  assert.equal(await status(token(`${hub.host}/devices/nobody`, key)), 404);
  assert.equal(await status('nonsense'), 401);
  const answer = await raw.putToken(token(`${hub.host}/devices/raw`, key), 7);   // a ulong
  assert.equal(answer.correlation_id, 7);
  await assert.rejects(raw.sender('/devices/raw/elsewhere'), { condition: 'amqp:not-found' });
  await assert.rejects(raw.receiver('/devices/raw/messages/events'), { condition: 'amqp:not-found' });
  await assert.rejects(raw.sender('/devices/other/messages/events'), { condition: 'amqp:unauthorized-access' });
  const sender = await raw.sender('/devices/raw/messages/events');
  assert.equal(sender.remote.attach.max_message_size, 1 << 20);
  assert.equal(await outcome(sender, { body: rhea.message.data_section(Buffer.alloc(300_000)) }), 'amqp:link:message-size-exceeded');
  assert.equal(await outcome(sender, { body: 'fits' }), 'accepted');
  assert.equal(await outcome(sender, Buffer.from('no message'), 'tag', 0), 'com.microsoft:argument-error');
  raw.close();
});

test('a batched transfer is one delivery with many messages', async () => {
  const key = keyOf(await hub.createDevice('batch'));
  const raw = await RawAmqp.open(hub);
  await raw.putToken(token(`${hub.host}/devices/batch`, key));
  const sender = await raw.sender('/devices/batch/messages/events');
  const parts = ['one', 'two', 'three'].map((text) => rhea.message.encode({ application_properties: { text }, body: rhea.message.data_section(Buffer.from(text)) }));
  const body = rhea.message.encode({ body: rhea.message.data_sections(parts) });
  assert.equal(await outcome(sender, body, 'b1', 0x80013700), 'accepted');
  const events = await hub.events(3, '--device', 'batch');
  assert.deepEqual(events.map((event) => [event.body, event.properties.text]), [['one', 'one'], ['two', 'two'], ['three', 'three']]);
  const oversize = rhea.message.encode({ body: rhea.message.data_sections([parts[0], rhea.message.encode({ body: rhea.message.data_section(Buffer.alloc(300_000)) })]) });
  assert.equal(await outcome(sender, oversize, 'b2', 0x80013700), 'amqp:link:message-size-exceeded');
  raw.close();
});

test('SASL PLAIN needs no token on $cbs', async () => {
  const key = keyOf(await hub.createDevice('plain'));
  const hubName = hub.host.split('.')[0];
  const login = (user, password) => RawAmqp.open(hub, { username: user, password });
  const raw = await login(`plain@sas.${hubName}`, token(`${hub.host}/devices/plain`, key));
  const sender = await raw.sender('/devices/plain/messages/events');
  assert.equal(await outcome(sender, { body: 'x' }), 'accepted');
  await assert.rejects(raw.sender('/devices/raw/messages/events'), { condition: 'amqp:unauthorized-access' });
  raw.close();
  await assert.rejects(login(`plain@sas.${hubName}`, token(`${hub.host}/devices/plain`, Buffer.alloc(32).toString('base64'))));
  await assert.rejects(login('plain@sas.elsewhere', token(`${hub.host}/devices/plain`, key)));
  const anonymous = await RawAmqp.open(hub, { username: 'anonymous' });
  anonymous.close();
});

test('the first bytes of another protocol are answered with the header that is spoken', async () => {
  const answer = await new Promise((resolve) => {
    const parts = [];
    const socket = tls.connect({ host: hub.host, port: 5671, ca: hub.ca, checkServerIdentity: () => undefined }, () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    socket.on('data', (data) => parts.push(data));
    socket.on('close', () => resolve(Buffer.concat(parts)));
    socket.on('error', () => {});
  });
  assert.deepEqual(answer, Buffer.from('AMQP\x03\x01\x00\x00', 'latin1'));
});
