// Raw AMQP on 5671, where the table has no row for it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import iothub from 'azure-iothub';
import rhea from 'rhea';
import { Hub, until } from './support/processes.js';
import { RawAmqp, outcome, token } from './support/raw_amqp.js';

const { Registry } = iothub;
let hub;
let registry;
before(async () => {
  hub = await Hub.start();
  registry = Registry.fromConnectionString(hub.connectionString);
});
after(() => hub.stop());

const keyOf = (connectionString) => /SharedAccessKey=(.*)$/.exec(connectionString)[1];

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
