// Raw AMQP 1.0 (rhea) against the cloud hub: what a client may say that the SDK never does.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import iothub from 'azure-iothub';
import rhea from 'rhea';
import { Hub, until } from './support/processes.js';
import { RawAmqp, outcome, token } from './support/raw_amqp.js';

const key = Buffer.alloc(32, 7).toString('base64');
let hub;
let registry;
before(async () => {
  hub = await Hub.start();
  registry = iothub.Registry.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

const create = (deviceId) => registry.create({ deviceId, authentication: { type: 'sas', symmetricKey: { primaryKey: key, secondaryKey: key } } });
const tokenOf = (id, ...more) => token(`${hub.host}/devices/${id}`, key, ...more);
const status = async (raw, text) => (await raw.putToken(text)).application_properties['status-code'];
const body = (text) => ({ body: rhea.message.data_section(Buffer.from(text)) });

async function connected(id, more = {}) {
  await create(id);
  const raw = await RawAmqp.open(hub, more);
  assert.equal(await status(raw, tokenOf(id)), 200);
  return raw;
}

test('a hundred devices share a connection', async () => {
  const ids = [...Array(100).keys()].map((i) => `many-${i}`);
  await Promise.all(ids.map(create));
  const raw = await RawAmqp.open(hub);
  const devices = [];
  for (const id of ids) {
    assert.equal(await status(raw, tokenOf(id)), 200);
    devices.push({ id, sender: await raw.sender(`/devices/${id}/messages/events`), receiver: await raw.receiver(`/devices/${id}/messages/devicebound`) });
  }
  const outcomes = await Promise.all(devices.map(({ id, sender }) => outcome(sender, body(`from ${id}`))));
  assert.deepEqual([...new Set(outcomes)], ['accepted']);
  const events = await hub.events(100);
  assert.deepEqual(new Set(events.map((event) => event.body)), new Set(ids.map((id) => `from ${id}`)));
  for (const event of events) assert.equal(event.systemProperties['iothub-connection-device-id'], event.body.slice('from '.length));
  for (const at of [3, 50, 99]) await hub.ctl('c2d', 'send', '-d', ids[at], '--body', `for ${ids[at]}`);
  for (const at of [3, 50, 99]) {
    await until('its C2D message', () => devices[at].receiver.messages.length === 1);
    assert.equal(devices[at].receiver.messages[0].message.body.content.toString(), `for ${ids[at]}`);
  }
  assert.equal(devices.filter(({ receiver }) => receiver.messages.length > 0).length, 3);
  raw.close();
});

test('SASL EXTERNAL with a certificate, and with none', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'selvage-amqp-'));
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=external', '-keyout', 'key.pem', '-out', 'cert.pem');
  const print = openssl('x509', '-in', 'cert.pem', '-noout', '-fingerprint', '-sha256').split('=')[1].replaceAll(':', '').trim();
  await registry.create({ deviceId: 'external', authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: print, secondaryThumbprint: print } } });
  const certificate = { cert: readFileSync(path.join(folder, 'cert.pem')), key: readFileSync(path.join(folder, 'key.pem')) };
  const raw = await RawAmqp.open(hub, { enable_sasl_external: true, ...certificate });
  const sender = await raw.sender('/devices/external/messages/events');
  assert.equal(await outcome(sender, body('by certificate')), 'accepted');
  await assert.rejects(raw.sender('/devices/many-1/messages/events'), { condition: 'amqp:unauthorized-access' });
  raw.close();
  const nobody = await RawAmqp.open(hub, { enable_sasl_external: true });
  await assert.rejects(nobody.sender('/devices/external/messages/events'), { condition: 'amqp:unauthorized-access' });
  nobody.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a token is renewed and taken back on a live connection', async () => {
  const raw = await connected('renewed');
  const sender = await raw.sender('/devices/renewed/messages/events');
  assert.equal(await outcome(sender, body('1')), 'accepted');
  assert.equal(await status(raw, tokenOf('renewed', Math.floor(Date.now() / 1000) + 7200)), 200);
  assert.equal(await outcome(sender, body('2')), 'accepted');
  assert.equal(await status(raw, token(`${hub.host}/devices/renewed`, Buffer.alloc(32).toString('base64'))), 401);
  assert.equal(await outcome(sender, body('3')), 'accepted', 'a bad token takes nothing away');
  raw.cbsSender.send({ message_id: 'off', body: '', application_properties: {
    operation: 'delete-token', type: 'servicebus.windows.net:sastoken', name: `${hub.host}/devices/renewed` } });
  const ended = await new Promise((resolve) => sender.once('sender_close', (context) => resolve(context.sender.error.condition)));
  assert.equal(ended, 'amqp:unauthorized-access');
  raw.close();
});

test('each outcome of a C2D message does what it says', async () => {
  const raw = await connected('outcomes');
  const receiver = await raw.receiver('/devices/outcomes/messages/devicebound', { autoaccept: false, credit_window: 10 });
  const next = async (text) => {
    await until(`a delivery of ${text}`, () => receiver.messages.length > 0);
    const { message, delivery } = receiver.messages.shift();
    assert.equal(message.body.content.toString(), text);
    return { delivery, count: message.message_annotations['iothub-deliverycount'] };
  };
  const send = (text) => hub.ctl('c2d', 'send', '-d', 'outcomes', '--body', text, '--message-id', text, '--ack', 'full');
  await send('again');
  const first = await next('again');
  first.delivery.release();
  const second = await next('again');
  assert.equal(second.count, first.count + 1);
  second.delivery.release({ delivery_failed: true });
  const third = await next('again');
  assert.equal(third.count, first.count + 2);
  third.delivery.release({ delivery_failed: true, undeliverable_here: true });
  await send('no');
  (await next('no')).delivery.reject({ condition: 'amqp:not-allowed', description: 'not wanted' });
  await send('yes');
  (await next('yes')).delivery.accept();
  const records = {};
  await until('feedback', async () => {
    for (const line of (await hub.ctl('c2d', 'feedback', '--wait', '16')).trim().split('\n').filter(Boolean)) {
      const record = JSON.parse(line);
      records[record.originalMessageId] = record.statusCode;
    }
    return Object.keys(records).length === 3;
  }, 60);
  assert.deepEqual(records, { again: 'Rejected', no: 'Rejected', yes: 'Success' });
  raw.close();
});

test('idle time-outs are kept in both directions', async () => {
  const hasty = await RawAmqp.open(hub, { idle_time_out: 1000 });
  await until('the end of the hasty one', () => hasty.connection.error);
  assert.equal(hasty.connection.error.condition, 'amqp:not-allowed');
  const raw = await connected('idle', { idle_time_out: 5000 });
  assert.equal(raw.connection.remote.open.idle_time_out, 240_000);
  let ended = false;
  raw.connection.once('disconnected', () => { ended = true; });
  // rhea gives the connection up when nothing comes for 5 s.
  await new Promise((resolve) => setTimeout(resolve, 8000));
  assert.equal(ended, false);
  const sender = await raw.sender('/devices/idle/messages/events');
  assert.equal(await outcome(sender, body('still here')), 'accepted');
  raw.close();
});

test('a client that asks and does not read costs little, and holds up nobody', async () => {
  const residentBytes = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hub.program.child.pid}/status`, 'utf8'))[1]) * 1024;
  const raw = await connected('deaf');
  const large = Object.fromEntries([...Array(8).keys()].map((i) => [`p${i}`, 'x'.repeat(3500)]));
  await registry.updateTwin('deaf', { properties: { desired: large } }, '*');
  const requests = await raw.sender('/devices/deaf/twin', { autosettle: true, snd_settle_mode: 1 });
  const answers = await raw.receiver('/devices/deaf/twin', { credit_window: 0 });
  answers.add_credit(100_000);
  const other = await connected('busy');
  const sender = await other.sender('/devices/busy/messages/events');
  assert.equal(await outcome(sender, body('before')), 'accepted');
  const before = residentBytes();
  raw.connection.socket.pause();
  let sent = 0;
  while (requests.sendable()) {
    requests.send({ correlation_id: `g${sent}`, message_annotations: { operation: 'GET' }, body: rhea.message.data_section(Buffer.alloc(0)) });
    sent += 1;
  }
  assert.ok(sent >= 400, `only ${sent} requests`);
  let most = 0;
  for (let i = 0; i < 100; i += 1) {
    assert.equal(await outcome(sender, body(`${i}`)), 'accepted');
    most = Math.max(most, residentBytes() - before);
  }
  // Under the address sanitizer everything is padded, and what was freed stays for a while.
  const bound = (process.env.ASAN_OPTIONS ? 3 : 1) * (8 << 20);
  assert.ok(most < bound, `the hub grew by ${most} bytes; all answers would be ${sent * 28_000}`);
  raw.connection.socket.resume();
  raw.close();
  other.close();
});
