// A module in Node with the official SDK, as a user would write it: takes the sensor's messages on `input1`, adds a field
// and a property, and sends them on by `output1`.
'use strict';
const { ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

ModuleClient.fromEnvironment(Mqtt, (error, client) => {
  if (error) throw error;
  client.on('error', (e) => { console.error(`client: ${e.message}`); process.exit(1); });
  client.on('inputMessage', (input, message) => {
    client.complete(message, () => {});
    if (input !== 'input1') return;
    const body = JSON.parse(message.getBytes().toString('utf8'));
    body.fahrenheit = body.machine.temperature * 1.8 + 32;
    const out = new Message(JSON.stringify(body));
    out.contentType = 'application/json';
    out.contentEncoding = 'utf-8';
    for (let i = 0; i < message.properties.count(); i += 1) {
      const { key, value } = message.properties.getItem(i);
      out.properties.add(key, value);
    }
    out.properties.add('edited', 'yes');
    client.sendOutputEvent('output1', out, (e) => { if (e) console.error(`send: ${e.message}`); });
  });
  client.open((e) => {
    if (e) { console.error(`open: ${e.message}`); process.exit(1); }
    console.log('filter runs');
    client.onMethod('ping', (request, response) => response.send(200, { pong: request.payload }));
  });
});
