// Devices that show certificates: by thumbprint, and by a CA that has proven itself.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { refusal } from '../peers/sdk.js';

async function provesItself({ world, open }, identity) {
  const peer = await open(identity);
  await peer.send({ body: 'by certificate' });
  const event = (await world.events(identity, 1))[0];
  const { type, scope } = JSON.parse(event.systemProperties['iothub-connection-auth-method']);
  assert.deepEqual({ type, scope }, { type: 'x509', scope: identity.module ? 'module' : 'device' });
  await peer.close();
}

const thumbprint = (digest, place) => async (cell) => {
  const { certificates } = cell.world;
  const name = `${place}-${digest}`;
  const certificate = certificates.make(name);
  const wanted = certificates.thumbprint(name, digest);
  const other = 'AB'.repeat(wanted.length / 2);
  const prints = place === 'primary' ? { primaryThumbprint: wanted, secondaryThumbprint: other } : { primaryThumbprint: other, secondaryThumbprint: wanted.toLowerCase() };
  const identity = await cell.world.device({ type: 'selfSigned', x509Thumbprint: prints });
  await provesItself(cell, identity.with({ certificate }));
};

async function byCa(cell) {
  const { certificates } = cell.world;
  await cell.world.trustRoot();
  const direct = await cell.world.device({ type: 'certificateAuthority' });
  await provesItself(cell, direct.with({ certificate: certificates.make(direct.device, { issuer: 'root' }) }));
  const deep = await cell.world.device({ type: 'certificateAuthority' });
  await provesItself(cell, deep.with({ certificate: certificates.make(deep.device, { issuer: 'middle', chain: ['middle'] }) }));
}

async function refused(cell) {
  const { world, column } = cell;
  const { certificates } = world;
  await world.trustRoot();
  const isRefused = (identity, certificate) => assert.rejects(cell.open(identity.with({ certificate })).then((peer) => peer.send({ body: 'x' })),
    (error) => refusal(error) === 'unauthorized' || assert.fail(`${column.name}: ${refusal(error)}`));
  const thumb = await world.device({ type: 'selfSigned', x509Thumbprint: { primaryThumbprint: 'AB'.repeat(20), secondaryThumbprint: 'AB'.repeat(20) } });
  await isRefused(thumb, certificates.make('wrong', { cn: thumb.device }));
  const byRoot = await world.device({ type: 'certificateAuthority' });
  await isRefused(byRoot, certificates.make('another', { issuer: 'root' }));
  await isRefused(byRoot, certificates.make('selfmade', { cn: byRoot.device }));
  await isRefused(byRoot, certificates.make('is-ca', { cn: byRoot.device, issuer: 'root', ca: true }));
  await isRefused(await world.device(), certificates.make('keyed', { issuer: 'root' }));
}

// A device whose certificate ends in so many seconds: by its CA over WebSocket, else by thumbprint.
async function withEnd({ world, column }, seconds) {
  const { certificates } = world;
  const end = new Date(Math.floor(Date.now() / 1000 + seconds) * 1000);
  const over = () => Date.now() > end.getTime() + 1000;
  if (column.name.endsWith('ws')) {
    await world.trustRoot();
    const identity = await world.device({ type: 'certificateAuthority' });
    return { identity: identity.with({ certificate: certificates.make(identity.device, { issuer: 'root', end }) }), end, over };
  }
  const certificate = certificates.make('ending', { end });
  const print = certificates.thumbprint('ending', 'sha256');
  const identity = await world.device({ type: 'selfSigned', x509Thumbprint: { primaryThumbprint: print, secondaryThumbprint: print } });
  return { identity: identity.with({ certificate }), end, over };
}

async function ending(cell) {
  const { identity, end } = await withEnd(cell, 4);
  const peer = await cell.open(identity);
  await peer.send({ body: 'in time' });
  assert.equal((await cell.world.events(identity, 1))[0].body, 'in time');
  await until('the end of the connection', () => peer.isLost, 20);
  assert.ok(Date.now() >= end.getTime(), 'not before the certificate has ended');
}

async function endingOverHttp(cell) {
  const { identity, over } = await withEnd(cell, 2);
  const peer = await cell.open(identity);
  await peer.send({ body: 'in time' });
  await until('the end of the certificate', over);
  await assert.rejects(peer.send({ body: 'late' }), (error) => refusal(error) === 'unauthorized');
  await peer.close();
}

async function ofModule(cell) {
  const { certificates } = cell.world;
  const certificate = certificates.make('module');
  const print = certificates.thumbprint('module', 'sha256');
  const { device } = await cell.world.device();
  await cell.world.registry.addModule({ deviceId: device, moduleId: 'm', authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: print, secondaryThumbprint: print } } });
  await provesItself(cell, cell.world.identity({ device, module: 'm', certificate }));
}

async function noModule({ world, open }) {
  const { device } = await world.device();
  await assert.rejects(open(world.identity({ device, module: 'm', certificate: { cert: '', key: '' } })), { name: 'NotImplementedError' });
}

export const x509 = [
  { name: 'X.509: primary thumbprint, SHA-1', run: thumbprint('sha1', 'primary') },
  { name: 'X.509: primary thumbprint, SHA-256', run: thumbprint('sha256', 'primary') },
  { name: 'X.509: secondary thumbprint, SHA-1', run: thumbprint('sha1', 'secondary') },
  { name: 'X.509: secondary thumbprint, SHA-256', run: thumbprint('sha256', 'secondary') },
  { name: 'X.509: by a CA, directly and by an intermediate', run: byCa },
  { name: 'X.509: certificates that prove nothing are refused', run: refused },
  { name: 'X.509: the end of the certificate ends the connection', run: ending, not: { http: { why: 'requests are no connection: the next one is refused', where: 'learn.microsoft.com, iot-hub-devguide-protocols', refused: endingOverHttp } } },
  { name: 'X.509: a module by thumbprint', run: ofModule, not: { sdk: { why: 'the SDK’s module client knows tokens only: NotImplementedError', where: 'azure-iot-device module_client.js fromConnectionString', refused: noModule } } },
];
