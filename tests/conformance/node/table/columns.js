// The columns of the table: who speaks, and over what.
import { createRequire } from 'node:module';
import { SdkPeer } from './peers/sdk.js';
import { RawMqttPeer } from './peers/raw_mqtt.js';
import { RawAmqpPeer } from './peers/raw_amqp.js';

const require = createRequire(import.meta.url);
const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
const { Amqp, AmqpWs } = require('azure-iot-device-amqp');
const { Http } = require('azure-iot-device-http');

export const columns = [
  { name: 'mqtt', family: 'mqtt', sdk: true, Peer: SdkPeer.over(Mqtt, 'mqtt') },
  { name: 'mqtt-ws', family: 'mqtt', sdk: true, Peer: SdkPeer.over(MqttWs, 'mqtt') },
  { name: 'amqp', family: 'amqp', sdk: true, Peer: SdkPeer.over(Amqp, 'amqp') },
  { name: 'amqp-ws', family: 'amqp', sdk: true, Peer: SdkPeer.over(AmqpWs, 'amqp') },
  { name: 'http', family: 'http', sdk: true, Peer: SdkPeer.over(Http, 'http') },
  { name: 'raw-mqtt', family: 'mqtt', sdk: false, Peer: RawMqttPeer },
  { name: 'raw-amqp', family: 'amqp', sdk: false, Peer: RawAmqpPeer },
];
