// Devices with certificates, where the table has no row for it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import iothub from 'azure-iothub';
import sdk from 'azure-iot-device';
import mqtt from 'mqtt';
import { Hub, until } from './support/processes.js';

const require = createRequire(import.meta.url);
const { Mqtt } = require('azure-iot-device-mqtt');
const { NoRetry } = require('azure-iot-common');
const { Client, Message } = sdk;
const { Registry } = iothub;

let hub;
let registry;
let folder;
const file = (name) => path.join(folder, name);
const read = (name) => readFileSync(file(name), 'utf8');
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString();

// NAME.key and NAME.pem; `issuer`: another's name, else self-signed.
function certificate(name, { cn = name, issuer, ca = false, days = 2, end, chain = [] } = {}) {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${cn}`, '-out', `${name}.csr`);
  writeFileSync(file(`${name}.ext`), ca ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' : 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n');
  const signer = issuer ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'] : ['-signkey', `${name}.key`];
  const life = end ? ['-days', '0'] : ['-days', String(days)];
  openssl('x509', '-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, ...signer, ...life, '-out', `${name}.pem`);
  return { cert: read(`${name}.pem`) + chain.map((other) => read(`${other}.pem`)).join(''), key: read(`${name}.key`) };
}
const thumbprint = (name, digest) => openssl('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', `-${digest}`).split('=')[1].replaceAll(':', '').trim();

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selvage-x509-'));
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await hub.stop();
});

async function open(id, { cert, key }) {
  const client = Client.fromConnectionString(`HostName=${hub.host};DeviceId=${id};x509=true`, Mqtt);
  client.setRetryPolicy(new NoRetry());
  await client.setOptions({ cert, key, ca: hub.ca });
  try {
    await client.open();
  } catch (error) {
    await client.close().catch(() => {});
    throw error;
  }
  return client;
}

// What the hub says to a CONNECT with this certificate: 0 is yes.
function connack(id, { cert, key }, password) {
  return new Promise((resolve) => {
    const client = mqtt.connect({
      host: hub.host, port: 8883, protocol: 'mqtts', ca: hub.ca, clientId: id, reconnectPeriod: 0, cert, key,
      username: `${hub.host}/${id}/?api-version=2021-04-12`, password,
    });
    client.once('connect', () => { client.end(true); resolve(0); });
    client.once('error', (error) => { client.end(true); resolve(error.code ?? error.message); });
  });
}

async function sends(client, id, body) {
  await client.sendEvent(new Message(body));
  const count = (sends.counts ??= {});
  count[id] = (count[id] ?? 0) + 1;
  const events = await hub.events(count[id], '--device', id);
  return events.at(-1);
}

test('a wrong, an expired and no certificate are refused', async () => {
  const good = certificate('good');
  await hub.ctl('identity', 'create', '-d', 'strict', '--am', 'x509_thumbprint', '--ptp', thumbprint('good', 'sha256'));
  assert.equal(await connack('strict', good), 0);
  assert.equal(await connack('strict', certificate('wrong', { cn: 'strict' })), 5);
  assert.equal(await connack('strict', {}), 5);
  await assert.rejects(open('strict', certificate('wrong2', { cn: 'strict' })));
  const old = certificate('old', { end: true });
  await hub.ctl('identity', 'create', '-d', 'expired', '--am', 'x509_thumbprint', '--ptp', thumbprint('old', 'sha256'));
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.equal(await connack('expired', old), 5);
  // A password wins over the certificate, and a bad one loses.
  assert.equal(await connack('strict', good, 'SharedAccessSignature sr=x&sig=y&se=1'), 5);
  const keyed = await hub.createDevice('keyed');
  assert.ok(keyed.includes('SharedAccessKey='));
  assert.equal(await connack('keyed', good), 5);
});

test('a CA is trusted after its proof, and its devices by their common name', async () => {
  certificate('root', { cn: 'Test root', ca: true });
  certificate('middle', { cn: 'Test intermediate', ca: true, issuer: 'root' });
  const direct = certificate('ca-1', { issuer: 'root' });
  const deep = certificate('ca-2', { issuer: 'middle', chain: ['middle'] });
  const bare = { cert: read('ca-2.pem'), key: deep.key };
  for (const id of ['ca-1', 'ca-2', 'ca-3']) await hub.ctl('identity', 'create', '-d', id, '--am', 'x509_ca');
  assert.equal(await connack('ca-1', direct), 5);
  await hub.ctl('ca', 'add', '--name', 'root', '--file', file('root.pem'));
  assert.match(await hub.ctl('ca', 'list'), /root .*unverified/);
  assert.equal(await connack('ca-1', direct), 5);
  const code = (await hub.ctl('ca', 'verify', '--name', 'root')).trim();
  certificate('forged', { cn: code });
  await assert.rejects(hub.ctl('ca', 'verify', '--name', 'root', '--file', file('forged.pem')), /not signed with the CA's key/);
  certificate('proof', { cn: code, issuer: 'root' });
  await hub.ctl('ca', 'verify', '--name', 'root', '--file', file('proof.pem'));
  assert.match(await hub.ctl('ca', 'list'), /root +verified/);

  const client = await open('ca-1', direct);
  assert.equal((await sends(client, 'ca-1', 'direct')).body, 'direct');
  await client.close();
  const other = await open('ca-2', deep);
  assert.equal((await sends(other, 'ca-2', 'deep')).body, 'deep');
  await other.close();
  assert.equal(await connack('ca-2', bare), 5, 'the intermediate is missing');
  assert.equal(await connack('ca-3', direct), 5, 'another device’s certificate');
  assert.equal(await connack('ca-3', certificate('self', { cn: 'ca-3' })), 5);
  assert.equal(await connack('ca-3', certificate('is-ca', { cn: 'ca-3', issuer: 'root', ca: true })), 5);

  await hub.restart('SIGKILL');
  assert.equal(await connack('ca-1', direct), 0, 'the CA survives a restart');
  const live = await open('ca-1', direct);
  const lost = new Promise((resolve) => live.once('disconnect', resolve));
  await hub.ctl('ca', 'delete', '--name', 'root');
  await lost;
  assert.equal(await connack('ca-1', direct), 5);
  await live.close().catch(() => {});
});

test('a device with a certificate is dropped when it is disabled or gets another thumbprint', async () => {
  const one = certificate('one');
  certificate('next');
  await hub.ctl('identity', 'create', '-d', 'drop', '--ptp', thumbprint('one', 'sha256'));
  let client = await open('drop', one);
  let gone = new Promise((resolve) => client.once('disconnect', resolve));
  await hub.ctl('identity', 'update', '-d', 'drop', '--status', 'disabled');
  await gone;
  assert.equal(await connack('drop', one), 5);
  await hub.ctl('identity', 'update', '-d', 'drop', '--status', 'enabled');
  client = await open('drop', one);
  gone = new Promise((resolve) => client.once('disconnect', resolve));
  const device = (await registry.get('drop')).responseBody;
  device.authentication.x509Thumbprint.primaryThumbprint = thumbprint('next', 'sha256');
  await registry.update(device);
  await gone;
  assert.equal(await connack('drop', one), 5);
  await until('state', async () => (await registry.get('drop')).responseBody.connectionState === 'Disconnected');
});
