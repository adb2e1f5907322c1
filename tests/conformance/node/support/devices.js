// The official device SDK, with promises.
import sdk from 'azure-iot-device';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Mqtt } = require('azure-iot-device-mqtt');
const { NoRetry } = require('azure-iot-common');
const { Client, ModuleClient, Message } = sdk;
export { Message };

async function open(client, ca, more) {
  client.setRetryPolicy(new NoRetry());
  await client.setOptions({ ca, ...more });
  await client.open();
  return client;
}

export function openDevice(hub, connectionString, { transport = Mqtt, ...more } = {}) {
  return open(Client.fromConnectionString(connectionString, transport), hub.ca, more);
}

export function openModule(hub, connectionString, { transport = Mqtt, ...more } = {}) {
  return open(ModuleClient.fromConnectionString(connectionString, transport), hub.ca, more);
}

// The next time `emitter` says `event`.
export function next(emitter, event, seconds = 10) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${seconds} s`)), seconds * 1000);
    emitter.once(event, (...args) => { clearTimeout(timer); resolve(args); });
  });
}

export function updateReported(twin, patch) {
  return new Promise((resolve, reject) => twin.properties.reported.update(patch, (error) => (error ? reject(error) : resolve())));
}
