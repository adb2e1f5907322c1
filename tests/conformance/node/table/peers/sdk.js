// A device or module that speaks through the official SDK.
//
// All peers have the same face: send, sendBatch, output, receive, inputs, twin, report, desired, method, lost, close; what they
// refuse is a word of refusal(). Messages are plain: { body, properties, messageId, … }.
import { createRequire } from 'node:module';
import sdk from 'azure-iot-device';

const { NoRetry } = createRequire(import.meta.url)('azure-iot-common');
const { Client, ModuleClient, Message } = sdk;

const promise = (start) => new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))));

function sdkMessage({ body = '', properties = {}, security, subject, expires, createdAt, ...system }, family) {
  const message = new Message(Buffer.from(body));
  Object.assign(message, system);
  if (security) message.setAsSecurityMessage();
  // As text over MQTT and HTTP; over AMQP the SDK cannot encode a Date.
  if (expires) message.expiryTimeUtc = family === 'amqp' ? Date.parse(expires) : expires;
  if (createdAt) message.properties.add(family === 'mqtt' ? '$.ctime' : 'iothub-creation-time-utc', createdAt);
  if (subject) message.properties.add('dt-subject', subject);
  for (const [name, value] of Object.entries(properties)) message.properties.add(name, value);
  return message;
}

export class SdkPeer {
  static over(transport, family) {
    return { open: (identity, options) => SdkPeer.open(transport, family, identity, options) };
  }

  static async open(transport, family, identity, { retry = false, token } = {}) {
    const Kind = identity.module ? ModuleClient : Client;
    const client = token ? Kind.fromSharedAccessSignature(token, transport) : Kind.fromConnectionString(identity.connectionString, transport);
    const peer = new SdkPeer(client, family, identity);
    if (!retry) client.setRetryPolicy(new NoRetry());
    // Without a receive policy the HTTPS transport never calls back.
    await client.setOptions({ ca: identity.ca, http: { receivePolicy: { interval: 0.2 } }, ...identity.certificate });
    try {
      await client.open();
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
    return peer;
  }

  constructor(client, family, identity) {
    Object.assign(this, { client, family, identity });
    client.on('error', () => {});
    this.lost = new Promise((resolve) => client.once('disconnect', resolve));
    this.lost.then(() => { this.isLost = true; });
  }

  // What the SDK adds to a message that counts against its size: `to`.
  get overhead() { return this.family === 'mqtt' ? 0 : `/${this.identity.path}/messages/events`.length; }

  send(message) { return this.client.sendEvent(sdkMessage(message, this.family)); }

  sendBatch(messages) { return this.client.sendEventBatch(messages.map((message) => sdkMessage(message, this.family))); }

  output(name, message) { return this.client.sendOutputEvent(name, sdkMessage(message, this.family)); }

  received(message) {
    const properties = {};
    for (const { key, value } of message.properties.propertyList) properties[key.replace(/^iothub-app-/, '')] = value;
    return {
      body: Buffer.from(message.getData() ?? ''), properties, messageId: message.messageId, correlationId: message.correlationId,
      userId: message.userId, contentType: message.contentType, contentEncoding: message.contentEncoding, to: message.to,
      deliveryCount: message.transportObj?.message_annotations?.['iothub-deliverycount'],
      complete: () => this.client.complete(message), abandon: () => this.client.abandon(message), reject: () => this.client.reject(message),
    };
  }

  async receive(handler) { this.client.on('message', (message) => handler(this.received(message))); }

  async inputs(handler) { this.client.on('inputMessage', (input, message) => handler(input, this.received(message))); }

  async twin() {
    const twin = await this.client.getTwin();
    const { desired, reported: { update, ...reported } } = twin.properties;
    return { desired, reported };
  }

  async report(patch) {
    this.shadow ??= await this.client.getTwin();
    return promise((done) => this.shadow.properties.reported.update(patch, done));
  }

  // The SDK does not say when it has subscribed.
  async desired(handler) {
    this.shadow ??= await this.client.getTwin();
    this.shadow.on('properties.desired', (patch) => handler(structuredClone(patch)));
  }

  async method(name, handler) {
    const listen = this.identity.module ? 'onMethod' : 'onDeviceMethod';
    this.client[listen](name, (request, response) => {
      const answer = handler(request.payload);
      if (answer) response.send(answer.status, answer.payload, () => {});
    });
  }

  renew(token) { return promise((done) => this.client.updateSharedAccessSignature(token, done)); }

  close() {
    this.client.removeAllListeners('message');   // ends the polling over HTTPS
    return this.client.close();
  }
}

// One word for why something was refused.
export function refusal(error) {
  const named = {
    UnauthorizedError: 'unauthorized', MessageTooLargeError: 'too large', DeviceNotFoundError: 'not found',
    IotHubQuotaExceededError: 'forbidden', NotImplementedError: 'not implemented', NotConnectedError: 'closed', ArgumentError: 'bad argument',
  }[error.name];
  if (named) return named;
  // MQTT: the first connection's failure has a class of no kind, and the CONNACK's meaning in its text.
  if (/Connection refused: Not authorized/.test(error.message)) return 'unauthorized';
  if (error.message === 'Connection closed') return 'closed';
  return error.refusal ?? `${error.name}: ${error.message}`;
}
