// File upload: the official SDK uploads to the hub's own storage endpoint; and what the SDK cannot say.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import https from 'node:https';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createRequire } from 'node:module';
import { Hub } from './support/processes.js';
import { openDevice } from './support/devices.js';

const require = createRequire(import.meta.url);
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
const { Amqp, AmqpWs } = require('azure-iot-device-amqp');
const { Http } = require('azure-iot-device-http');
const storage = require('@azure/storage-blob');

let hub;
let folder;
before(async () => {
  hub = await Hub.start();
  folder = mkdtempSync(path.join(tmpdir(), 'selvage-upload-'));
});
after(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

const keyOf = (connectionString) => /SharedAccessKey=(.*)$/.exec(connectionString)[1];
const deviceOf = (connectionString) => /DeviceId=([^;]*)/.exec(connectionString)[1];

function token(resource, key, policy) {
  const expires = Math.floor(Date.now() / 1000) + 600;
  const sr = encodeURIComponent(resource);
  const signature = crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expires}${policy ? `&skn=${policy}` : ''}`;
}

function request(method, target, { headers = {}, body = '', host = hub.host } = {}) {
  return new Promise((resolve, reject) => {
    const asked = https.request({ host, path: target, method, ca: hub.ca, headers, agent: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const ask = (connectionString, target, body) => request('POST', `/devices/${deviceOf(connectionString)}${target}?api-version=2021-04-12`, {
  headers: { Authorization: token(`${hub.host}/devices/${deviceOf(connectionString)}`, keyOf(connectionString)), 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});
const place = async (connectionString, blobName) => JSON.parse((await ask(connectionString, '/files', { blobName })).body);
const codeOf = (answer) => `${answer.status} ${answer.headers['iothub-errorcode'] ?? answer.headers['x-ms-error-code']}`;
const put = (where, { query = '', headers = { 'x-ms-blob-type': 'BlockBlob' }, body = '', signature = where.sasToken } = {}) =>
  request('PUT', `/${where.containerName}/${where.blobName}${signature}${query}`, { headers, body });

async function fetched(name) {
  const file = path.join(folder, crypto.randomUUID());
  await hub.ctl('files', 'get', name, '-o', file);
  return readFileSync(file);
}

// The service's side of a notification, which the SDK takes over AMQP.
async function notification() {
  const parts = Object.fromEntries(hub.connectionString.split(';').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
  const headers = { Authorization: token(hub.host, parts.SharedAccessKey, parts.SharedAccessKeyName) };
  const received = await request('GET', '/messages/serviceBound/filenotifications?api-version=2021-04-12', { headers });
  if (received.status === 204) return undefined;
  const lock = received.headers.etag.replaceAll('"', '');
  const done = await request('DELETE', `/messages/serviceBound/filenotifications/${lock}?api-version=2021-04-12`, { headers });
  assert.equal(done.status, 204);
  return JSON.parse(received.body);
}

const transports = { mqtt: Mqtt, 'mqtt-ws': MqttWs, amqp: Amqp, 'amqp-ws': AmqpWs, http: Http };

for (const [name, transport] of Object.entries(transports)) {
  test(`uploadToBlob over ${name}: 0 B, 100 KB and 10 MB arrive whole and are told of`, async () => {
    const device = `up-${name}`;
    const options = name === 'http' ? { transport, http: { receivePolicy: { interval: 1 } } } : { transport };
    const client = await openDevice(hub, await hub.createDevice(device), options);
    for (const size of [0, 100 * 1024, 10 * 1024 * 1024]) {
      const bytes = crypto.randomBytes(size);
      // The SDK refuses a length of 0 before it does anything, and does not look at it otherwise.
      await client.uploadToBlob(`logs/${size} bytes.bin`, Readable.from([bytes]), size || 1);
      assert.ok((await fetched(`${device}/logs/${size} bytes.bin`)).equals(bytes), `${size} bytes differ`);
      const told = await notification();
      assert.equal(told.deviceId, device);
      assert.equal(told.blobName, `${device}/logs/${size} bytes.bin`);
      assert.equal(told.blobSizeInBytes, size);
      assert.ok(Date.parse(told.enqueuedTimeUtc) >= Date.parse(told.lastUpdatedTime));
    }
    await client.close();
  });
}

test('getBlobSharedAccessSignature and notifyBlobUploadStatus, with a whole file put by the storage client', async () => {
  const client = await openDevice(hub, await hub.createDevice('parts'));
  const info = await client.getBlobSharedAccessSignature('x.txt');
  const blob = new storage.BlockBlobClient(`https://${info.hostName}/${info.containerName}/${info.blobName}${info.sasToken}`,
    storage.newPipeline(new storage.AnonymousCredential(), { keepAliveOptions: { enable: false } }));
  const put = await blob.upload('hello', 5);
  assert.match(put.etag, /^"0x/);
  assert.ok(put.lastModified instanceof Date);
  assert.ok(put.requestId);
  assert.equal((await blob.getProperties()).contentLength, 5);
  let read = '';
  for await (const part of (await blob.download()).readableStreamBody) read += part;
  assert.equal(read, 'hello');
  await assert.rejects(blob.upload('other', 5, { conditions: { ifNoneMatch: '*' } }), { statusCode: 409, code: 'BlobAlreadyExists' });
  await assert.rejects(blob.delete(), { statusCode: 403, code: 'AuthorizationPermissionMismatch' });
  await client.notifyBlobUploadStatus(info.correlationId, true, 201, 'created');
  await assert.rejects(client.notifyBlobUploadStatus(info.correlationId, true, 201, 'again'));
  assert.equal((await notification()).blobName, 'parts/x.txt');
  await client.close();
});

test('what was acknowledged is there after kill -9', async () => {
  const device = await hub.createDevice('killed');
  const done = await place(device, 'done.txt');
  const pending = await place(device, 'pending.txt');
  assert.equal((await put(done, { body: 'done' })).status, 201);
  assert.equal((await ask(device, `/files/notifications/${done.correlationId}`, { isSuccess: true, statusCode: 201 })).status, 204);
  assert.equal((await put(pending, { body: 'pending' })).status, 201);
  assert.equal((await put(pending, { query: '&comp=block&blockid=YQ%3D%3D', headers: {}, body: 'block' })).status, 201);
  await hub.restart('SIGKILL');
  assert.equal((await fetched('killed/done.txt')).toString(), 'done');
  assert.equal((await fetched('killed/pending.txt')).toString(), 'pending');
  assert.equal((await notification()).blobName, 'killed/done.txt');
  assert.equal(codeOf(await ask(device, `/files/notifications/${done.correlationId}`, { isSuccess: true })), '400 InvalidFileUploadCorrelationId');
  const list = await put(pending, { query: '&comp=blocklist', headers: {}, body: '<BlockList><Latest>YQ==</Latest></BlockList>' });
  assert.equal(list.status, 201, list.body.toString());
  assert.equal((await fetched('killed/pending.txt')).toString(), 'block');
  assert.equal((await ask(device, '/files/notifications', { correlationId: pending.correlationId, isSuccess: true })).status, 204);
  assert.equal((await notification()).blobName, 'killed/pending.txt');
});

test('no device reaches another one\'s files', async () => {
  const mine = await place(await hub.createDevice('mine'), 'x');
  const other = await hub.createDevice('other');
  const theirs = await place(other, 'x');
  assert.equal(codeOf(await put({ ...mine, blobName: theirs.blobName })), '403 AuthenticationFailed');
  assert.equal(codeOf(await put({ ...mine, blobName: 'mine/y' })), '403 AuthenticationFailed');
  assert.equal(codeOf(await put({ ...mine, blobName: 'mine%2F..%2Fother%2Fx' })), '403 AuthenticationFailed');
  assert.equal(codeOf(await put(mine, { signature: '' })), '403 AuthenticationFailed');
  assert.equal(codeOf(await put(mine, { signature: mine.sasToken.replace(/se=[^&]*/, 'se=2099-01-01T00%3A00%3A00Z') })), '403 AuthenticationFailed');
  assert.equal(codeOf(await ask(other, `/files/notifications/${mine.correlationId}`, { isSuccess: true })), '400 InvalidFileUploadCorrelationId');
  for (const blobName of ['../other/x', '/x', 'a//b', 'x/', '', 'x'.repeat(1025)]) {
    assert.equal(codeOf(await ask(other, '/files', { blobName })), '400 ArgumentInvalid', blobName);
  }
  // The right ends with the device.
  await hub.ctl('identity', 'update', '-d', 'mine', '--status', 'disabled');
  assert.equal(codeOf(await put(mine)), '403 AuthenticationFailed');
});

test('refusals of the handshake have the service\'s names', async () => {
  const device = await hub.createDevice('refused');
  const where = await place(device, 'x');
  const end = (body) => ask(device, `/files/notifications/${where.correlationId}`, body).then(codeOf);
  assert.equal(await end({ isSuccess: 'yes' }), '400 InvalidFileUploadCompletionStatus');
  assert.equal(await end({ isSuccess: true }), '400 InvalidStorageEndpointOrBlob');
  assert.equal(codeOf(await ask(device, '/files/notifications/unknown', { isSuccess: true })), '400 InvalidFileUploadCorrelationId');
  assert.equal(codeOf(await ask(device, '/files', {})), '400 ArgumentInvalid');
  for (let i = 1; i < 10; i += 1) assert.equal((await ask(device, '/files', { blobName: `${i}` })).status, 200);
  assert.equal(codeOf(await ask(device, '/files', { blobName: '10' })), '403 DeviceMaximumActiveFileUploadLimitExceeded');
  assert.equal((await ask(device, `/files/notifications/${where.correlationId}`, { isSuccess: false, statusCode: 500 })).status, 204);
  assert.equal((await ask(device, '/files', { blobName: '10' })).status, 200);
});

test('a full bound is a clear refusal, and room can be made', async () => {
  const settings = path.join(hub.data, 'hub.toml');
  const before = readFileSync(settings, 'utf8');
  const bound = (text, key, value) => text.replace(new RegExp(`^${key} = \\d+`, 'm'), `${key} = ${value}`);
  writeFileSync(settings, bound(bound(before, 'file_megabytes', 2), 'device_megabytes', 3));
  await hub.restart('SIGTERM');
  const client = await openDevice(hub, await hub.createDevice('full'));
  const where = await client.getBlobSharedAccessSignature('1');
  const two = Buffer.alloc(2 << 20, 1);
  assert.equal(codeOf(await put(where, { body: Buffer.alloc((2 << 20) + 1) })), '413 RequestBodyTooLarge');
  assert.equal((await put(where, { body: two })).status, 201);
  const second = await client.getBlobSharedAccessSignature('2');
  const refused = await put(second, { body: two });
  assert.equal(codeOf(refused), '507 InsufficientStorage');
  assert.match(refused.body.toString(), /as many bytes/);
  // The SDK says so too, and tells the hub that the upload is over.
  await assert.rejects(client.uploadToBlob('3', Readable.from([two]), two.length), /UploadToBlob failed/);
  await hub.ctl('files', 'delete', 'full/1');
  assert.equal((await put(second, { body: two })).status, 201);
  const listed = (await hub.ctl('files', 'list', '-d', 'full', '--json')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(listed.map((file) => [file.blobName, file.blobSizeInBytes]), [['full/2', 2 << 20]]);
  await client.close();
  writeFileSync(settings, before.replace(/(\[files\][^[]*?)enabled = true/, '$1enabled = false'));
  await hub.restart('SIGTERM');
  const device = await hub.createDevice('none');
  assert.equal(codeOf(await ask(device, '/files', { blobName: 'x' })), '400 DefaultStorageEndpointNotConfigured');
  writeFileSync(settings, before);
  await hub.restart('SIGTERM');
});
