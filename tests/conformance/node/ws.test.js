// WebSocket on 443, where the table has no row for it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import https from 'node:https';
import { createRequire } from 'node:module';
import { Hub } from './support/processes.js';
import { next, openDevice } from './support/devices.js';

const { MqttWs } = createRequire(import.meta.url)('azure-iot-device-mqtt');
let hub;
before(async () => { hub = await Hub.start(); });
after(() => hub.stop());

const overWebSocket = { transport: MqttWs };

test('a newer connection on 8883 closes the older one on 443', async () => {
  const connectionString = await hub.createDevice('x1');
  const first = await openDevice(hub, connectionString, overWebSocket);
  const gone = next(first, 'disconnect');
  const second = await openDevice(hub, connectionString);
  await gone;
  await second.close();
});

function upgrade(path, protocol) {
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: hub.host, port: 443, path, ca: hub.ca,
      headers: {
        Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
      },
    });
    request.on('response', (response) => { response.resume(); resolve({ status: response.statusCode }); });
    request.on('upgrade', (response, socket) => { socket.destroy(); resolve({ status: 101, protocol: response.headers['sec-websocket-protocol'] }); });
    request.on('error', reject);
    request.end();
  });
}

test('the upgrade goes by path and sub-protocol', async () => {
  assert.deepEqual(await upgrade('/$iothub/websocket', 'MQTT'), { status: 101, protocol: 'MQTT' });
  assert.deepEqual(await upgrade('/%24iothub/websocket?iothub-no-client-cert=true', 'x, mqtt'), { status: 101, protocol: 'mqtt' });
  assert.deepEqual(await upgrade('/$iothub/websocket', 'mqttv5'), { status: 400 });
  assert.deepEqual(await upgrade('/$iothub/websocket'), { status: 400 });
  assert.deepEqual(await upgrade('/elsewhere', 'mqtt'), { status: 404 });
});
