// What connections live through: a hub that dies, tokens that end, others that take over.
import assert from 'node:assert/strict';
import { until } from '../../support/processes.js';
import { RawAmqpPeer } from '../peers/raw_amqp.js';
import { RawMqttPeer } from '../peers/raw_mqtt.js';
import { refusal } from '../peers/sdk.js';

const lost = (peer, seconds = 20) => until('the end of the connection', () => peer.isLost, seconds);

async function reconnect({ world, column, device }) {
  const { identity, peer } = await device({ retry: true, clean: false });
  const seen = { c2d: [] };
  const twinsToo = column.family !== 'http';
  await peer.receive((received) => { seen.c2d.push(received.body.toString()); return received.complete(); });
  if (twinsToo) {
    await peer.method('echo', (payload) => ({ status: 200, payload }));
    await peer.desired((patch) => { seen.asked = patch.asked ?? seen.asked; });
    assert.deepEqual(await world.call(identity, 'echo', 1), { status: 200, payload: 1 });
  }
  const acknowledged = [];
  let counter = 0;
  let stop = false;
  const sendOn = async () => {
    while (!stop) {
      counter += 1;
      const body = String(counter);
      try {
        await peer.send({ body });
      } catch {
        return;
      }
      acknowledged.push(body);
    }
  };
  const sending = sendOn();
  await until('telemetry', () => acknowledged.length >= 20);
  await world.restart();
  if (!column.sdk) {
    await sending;
    await peer.reopen();
    if (column.family === 'mqtt') assert.equal(peer.connack.sessionPresent, true);
  }
  await world.send(identity.device, 'after');
  await until('C2D', () => seen.c2d.includes('after'), 40);
  if (twinsToo) {
    assert.deepEqual(await world.call(identity, 'echo', 2, { connect: 30 }), { status: 200, payload: 2 });
    let asked = 0;
    await until('a desired change', async () => {
      asked += 1;
      await world.desire(identity, { asked });
      return until('its arrival', () => seen.asked === asked, 2).catch(() => false);
    }, 30);
  }
  stop = true;
  await sending;
  await peer.send({ body: 'last' });
  acknowledged.push('last');
  await until('all acknowledged messages', () => {
    const there = new Set(world.eventsOf(identity).map((event) => String(event.body)));
    return acknowledged.every((body) => there.has(body));
  });
}

// A token that the hub takes for some seconds more: five minutes of skew are allowed.
function shortToken(identity, seconds) {
  const expires = Math.floor(Date.now() / 1000) - 300 + seconds;
  return { token: identity.token(expires), over: () => Date.now() > (expires + 301) * 1000 };
}

async function renewed({ world, column, open }) {
  const identity = await world.device();
  const { token, over } = shortToken(identity, 4);
  const peer = await open(identity, { token, clean: false });
  if (column.family !== 'http') await peer.method('echo', (payload) => ({ status: 200, payload }));
  await peer.send({ body: 'with the old' });
  await peer.renew(identity.token());
  await until('the end of the old token', over);
  await peer.send({ body: 'with the new' });
  if (column.family !== 'http') assert.equal((await world.call(identity, 'echo', 3)).payload, 3);
  assert.ok(!peer.isLost);
  assert.deepEqual((await world.events(identity, 2)).map((event) => event.body), ['with the old', 'with the new']);
}

async function expiry({ world, open }) {
  const identity = await world.device();
  const peer = await open(identity, { token: shortToken(identity, 3).token });
  await peer.send({ body: 'x' });
  await lost(peer);
}

async function expiryOverHttp({ world, open }) {
  const identity = await world.device();
  const { token, over } = shortToken(identity, 2);
  const peer = await open(identity, { token });
  await peer.send({ body: 'x' });
  await until('the end of the token', over);
  await assert.rejects(peer.send({ body: 'y' }), (error) => refusal(error) === 'unauthorized');
}

async function takeover({ world, device, open }) {
  const { identity, peer: first } = await device();
  await first.send({ body: 'first' });
  const second = await open(identity);
  await second.send({ body: 'second' });
  await lost(first);
  await second.send({ body: 'still here' });
  assert.deepEqual((await world.events(identity, 3)).map((event) => event.body), ['first', 'second', 'still here']);
  assert.ok(!second.isLost);
}

async function otherProtocol({ column, device }) {
  const { identity, peer: first } = await device();
  await first.send({ body: 'first' });
  const second = await (column.family === 'mqtt' ? RawAmqpPeer : RawMqttPeer).open(identity);
  await second.send({ body: 'second' });
  await lost(first);
  await second.send({ body: 'still here' });
  await second.close();
}

async function besides({ device }) {
  const { identity, peer } = await device();
  const connected = await RawMqttPeer.open(identity);
  await connected.send({ body: 'over MQTT' });
  await peer.send({ body: 'over HTTPS' });
  await connected.send({ body: 'over MQTT again' });
  assert.ok(!connected.isLost);
  await connected.close();
}

const noConnection = { why: 'requests are no connection, and leave that of the same identity alone', where: 'learn.microsoft.com, iot-hub-devguide-protocols', refused: besides };

export const connections = [
  { name: 'reconnect: the hub is killed; nothing acknowledged is lost, subscriptions are back', run: reconnect, alone: true, notes: { http: 'telemetry and C2D' } },
  { name: 'token: renewed on a live connection', run: renewed, notes: { mqtt: 'by a new connection, which is how MQTT renews' } },
  { name: 'token: its end ends the connection', run: expiry, not: { http: { why: 'requests are no connection: the next one is refused', where: 'learn.microsoft.com, iot-hub-devguide-protocols', refused: expiryOverHttp } } },
  { name: 'takeover: a second connection ends the first', run: takeover, not: { http: noConnection } },
  { name: 'takeover: by another protocol', run: otherProtocol, not: { http: noConnection } },
];
