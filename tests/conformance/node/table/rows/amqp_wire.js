// AMQP that no SDK says: other protocols, broken frames, and bytes that come one by one.
import assert from 'node:assert/strict';
import tls from 'node:tls';
import rhea from 'rhea';
import { until } from '../../support/processes.js';
import { RawAmqp, outcome } from '../../support/raw_amqp.js';
import { batchFormat } from '../peers/raw_amqp.js';
import { TlsBytes } from '../tls_bytes.js';

const port = 5671;
const header = Buffer.from('AMQP\0\x01\0\0', 'latin1');
const saslHeader = Buffer.from('AMQP\x03\x01\0\0', 'latin1');
const frame = (...bytes) => {
  const body = Buffer.concat(bytes.map((part) => Buffer.from(part)));
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
  head.writeUInt32BE(8 + body.length);
  return Buffer.concat([head, body]);
};
const open = frame([0x00, 0x53, 0x10, 0xc0, 0x04, 0x01, 0xa1, 0x01], 'c');
const begin = frame([0x00, 0x53, 0x11, 0xc0, 0x07, 0x04, 0x40, 0x43, 0x52, 0x64, 0x52, 0x64]);

async function badOpening({ world }) {
  const identity = await world.device();
  for (const first of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from('AMQP\0\0\x09\x01', 'latin1'), Buffer.from('AMQP\x02\x01\0\0', 'latin1')]) {
    const wire = await TlsBytes.open(identity, port);
    await wire.write(first);
    assert.deepEqual(await wire.end(), saslHeader, 'the protocol that is spoken');
  }
  const impatient = await RawAmqp.open(identity, { idle_time_out: 1000 });
  await until('its end', () => impatient.connection.is_closed());
  assert.ok(impatient.connection.error);
  const key = identity.token();
  const name = world.host.split('.')[0];
  await assert.rejects(RawAmqp.open(identity, { username: `${identity.device}@sas.${name}`, password: identity.with({ key: Buffer.alloc(32).toString('base64') }).token() }));
  await assert.rejects(RawAmqp.open(identity, { username: `${identity.device}@sas.elsewhere`, password: key }));
  (await RawAmqp.open(identity, { username: `${identity.device}@sas.${name}`, password: key })).close();
}

async function malformed({ world, device }) {
  const identity = await world.device();
  const cases = {
    'a frame shorter than its header': Buffer.from([0, 0, 0, 4]),
    'a data offset below two words': Buffer.from([0, 0, 0, 8, 1, 0, 0, 0]),
    'a data offset behind the end': Buffer.from([0, 0, 0, 8, 9, 0, 0, 0]),
    'a frame of 4 GB': Buffer.from([0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0]),
    'no performative': frame([0x40]),
    'an unknown performative': frame([0x00, 0x53, 0x77, 0x45]),
    'a list that is longer than its frame': frame([0x00, 0x53, 0x11, 0xc0, 0xff, 0x04]),
    'a second open': open,
    'a transfer on no link': Buffer.concat([begin, frame([0x00, 0x53, 0x14, 0xc0, 0x05, 0x03, 0x43, 0x43, 0xa0, 0x00])]),
    'a SASL frame after open': Buffer.from([0, 0, 0, 0x0c, 2, 1, 0, 0, 0x00, 0x53, 0x41, 0x45]),
  };
  const wrong = [];
  for (const [name, bytes] of Object.entries(cases)) {
    const wire = await TlsBytes.open(identity, port);
    await wire.write(Buffer.concat([header, open]));
    await wire.got('open', (received) => received.length > 20);
    await wire.write(bytes);
    await wire.end().catch(() => wrong.push(name));
    wire.close();
  }
  assert.deepEqual(wrong, []);
  const { identity: other, peer } = await device();
  await peer.send({ body: 'still here' });
  await world.events(other, 1);
}

async function badMessages({ device }) {
  const { identity, peer } = await device();
  const sender = await peer.sender('/messages/events');
  assert.equal(await outcome(sender, Buffer.from('no message'), 'a', 0), 'com.microsoft:argument-error');
  const large = rhea.message.encode({ body: rhea.message.data_section(Buffer.alloc(300_000)) });
  const small = rhea.message.encode({ body: rhea.message.data_section(Buffer.from('x')) });
  assert.equal(await outcome(sender, rhea.message.encode({ body: rhea.message.data_sections([small, large]) }), 'b', batchFormat), 'amqp:link:message-size-exceeded');
  assert.equal(await outcome(sender, { body: 'text as a value' }, 'c'), 'accepted');
  await assert.rejects(peer.raw.sender(`/${identity.path}/elsewhere`), { condition: 'amqp:not-found' });
  await assert.rejects(peer.raw.receiver(`/${identity.path}/messages/events`), { condition: 'amqp:not-found' });
}

async function manyIdentities({ world, device }) {
  const { identity, peer } = await device();
  const others = [await world.device(), await world.device()];
  for (const other of others) {
    await assert.rejects(peer.raw.sender(`/${other.path}/messages/events`), { condition: 'amqp:unauthorized-access' });
    await peer.renew(other.token());
    const sender = await peer.raw.sender(`amqps://${world.host}/${other.path}/MESSAGES/events`);
    for (let i = 0; i < 20; i += 1) assert.equal(await outcome(sender, { body: rhea.message.data_section(Buffer.from(`${i}`)) }), 'accepted');
    assert.deepEqual((await world.events(other, 20)).map((event) => Number(event.body)), [...Array(20).keys()]);
  }
  await world.registry.delete(others[0].device);
  await peer.send({ body: 'still here' });
  await world.events(identity, 1);
}

// A socket that makes a TLS record of each byte.
function byteByByteSocket({ host, ca }) {
  return (_port, _host, _options, connected) => {
    const socket = tls.connect({ host, port, ca, checkServerIdentity: () => undefined }, connected);
    socket.setNoDelay(true);
    const write = socket.write.bind(socket);
    socket.write = (data, ...rest) => {
      for (const byte of Buffer.from(data, typeof rest[0] === 'string' ? rest[0] : undefined)) write(Buffer.from([byte]));
      return true;
    };
    return socket;
  };
}

async function byteByByte({ world, open: openPeer }) {
  const identity = await world.device();
  const peer = await openPeer(identity, { connect: byteByByteSocket(identity) });
  await peer.method('echo', (payload) => ({ status: 200, payload }));
  await peer.send({ body: 'in pieces', properties: { k: 'v' } });
  assert.equal((await peer.twin()).desired.$version, 1);
  assert.deepEqual(await world.call(identity, 'echo', 'bytes'), { status: 200, payload: 'bytes' });
  const [event] = await world.events(identity, 1);
  assert.deepEqual([event.body, event.properties.k], ['in pieces', 'v']);
}

async function sameFlight({ world }) {
  const wire = await TlsBytes.open(await world.device(), port, Buffer.concat([header, open, begin]));
  await wire.got('open and begin', (bytes) => bytes.includes(Buffer.from([0x53, 0x10])) && bytes.includes(Buffer.from([0x53, 0x11])));
  assert.deepEqual(wire.received.subarray(0, 8), header);
  wire.close();
}

export const amqpWire = { badOpening, malformed, badMessages, manyIdentities, byteByByte, sameFlight };
