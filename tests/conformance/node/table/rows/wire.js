// What only raw clients can say, row by row.
import { amqpWire } from './amqp_wire.js';
import { mqttWire } from './mqtt_wire.js';

const unsaid = { why: 'the SDK never sends this, so the raw columns do', where: 'azure-iot-device-mqtt mqtt.js, azure-iot-device-amqp amqp.js' };
const ofMqtt = { why: 'AMQP has no such thing', where: 'OASIS AMQP 1.0' };
const ofAmqp = { why: 'MQTT has no such thing', where: 'OASIS MQTT 3.1.1' };

const both = (name, mqtt, amqp) => ({ name, run: (cell) => (cell.column.family === 'mqtt' ? mqtt : amqp)(cell), not: { sdk: unsaid } });
const mqttOnly = (name, run) => ({ name, run, not: { sdk: unsaid, 'raw-amqp': ofMqtt } });
const amqpOnly = (name, run) => ({ name, run, not: { sdk: unsaid, 'raw-mqtt': ofAmqp } });

export const wire = [
  both('wire: bad CONNECT, bad opening', mqttWire.badConnect, amqpWire.badOpening),
  both('wire: malformed packets and frames', mqttWire.malformed, amqpWire.malformed),
  both('wire: split at every byte, over TLS', mqttWire.byteByByte, amqpWire.byteByByte),
  both('wire: in one flight with the end of the TLS handshake', mqttWire.sameFlight, amqpWire.sameFlight),
  mqttOnly('wire: QoS 2', mqttWire.qos2),
  mqttOnly('wire: retain and DUP', mqttWire.retain),
  mqttOnly('wire: will', mqttWire.will),
  mqttOnly('wire: a stored session with queued C2D', mqttWire.storedSession),
  mqttOnly('wire: filters as each SDK makes them', mqttWire.filters),
  mqttOnly('wire: C2D by QoS 0', mqttWire.c2dByQos0),
  mqttOnly('wire: keep-alive', mqttWire.keepAlive),
  amqpOnly('wire: bad messages and addresses', amqpWire.badMessages),
  amqpOnly('wire: many identities on one connection', amqpWire.manyIdentities),
];
