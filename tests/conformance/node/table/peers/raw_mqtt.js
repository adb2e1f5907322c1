// A device or module that speaks MQTT itself, by the `mqtt` package.
import mqtt from 'mqtt';

const systemNames = {
  messageId: '$.mid', correlationId: '$.cid', userId: '$.uid', contentType: '$.ct', contentEncoding: '$.ce', expires: '$.exp',
  createdAt: '$.ctime', subject: '$.sub', schema: '$.schema', diagnosticId: '$.diagid', diagnosticContext: '$.diagctx', output: '$.on',
  to: '$.to',
};

export function bag({ properties = {}, security, body, ...system }) {
  const pairs = Object.entries(system).map(([name, value]) => [systemNames[name], value]);
  if (security) pairs.push(['$.ifid', 'urn:azureiot:Security:SecurityAgent:1']);
  pairs.push(...Object.entries(properties));
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
}

function unbag(text) {
  const properties = Object.fromEntries(text.split('&').filter(Boolean).map((pair) => pair.split('=').map(decodeURIComponent)));
  const message = { properties };
  for (const [name, short] of Object.entries(systemNames)) {
    if (short in properties) message[name] = properties[short];
    delete properties[short];
  }
  return message;
}

const connackCodes = { 1: 'protocol level', 2: 'client id', 3: 'unavailable', 4: 'bad user name', 5: 'unauthorized' };
const once = (client, event) => new Promise((resolve) => client.once(event, resolve));

export class RawMqttPeer {
  static options(identity, more = {}) {
    const { certificate } = identity;
    return {
      host: identity.host, port: 8883, protocol: 'mqtts', ca: identity.ca, clientId: identity.clientId, reconnectPeriod: 0, clean: true,
      username: `${identity.hub}/${identity.clientId}/?api-version=2021-04-12`,
      ...(certificate ? certificate : { password: identity.token() }), ...more,
    };
  }

  // Besides mqtt's own options: `token`; `holds`: acknowledges nothing.
  static async open(identity, { token, holds, retry, ...more } = {}) {
    const peer = new RawMqttPeer(identity, holds);
    await peer.connect({ ...(token && { password: token }), ...more });
    return peer;
  }

  constructor(identity, holds) { Object.assign(this, { identity, holds, overhead: 0, rids: 0, topics: [], packets: [] }); }

  connect(more) {
    const client = mqtt.connect(RawMqttPeer.options(this.identity, more));
    return new Promise((resolve, reject) => {
      const refuse = (error) => {
        client.end(true);
        reject(Object.assign(error, { refusal: connackCodes[error.code] ?? 'closed' }));
      };
      client.once('connect', (connack) => { this.take(client, connack); resolve(); });
      client.once('error', refuse);
      client.once('close', () => refuse(new Error('closed before CONNACK')));
    });
  }

  take(client, connack) {
    Object.assign(this, { client, connack, isLost: false });
    this.lost = once(client, 'close').then(() => { if (this.client === client) this.isLost = true; });
    client.on('error', () => {});
    if (this.holds) {
      client.handleMessage = (packet) => { this.packets.push(packet); };
      return;
    }
    client.on('message', (topic, payload, packet) => {
      this.packets.push(packet);
      for (const { prefix, handler } of this.topics) if (topic.startsWith(prefix)) handler(topic.slice(prefix.length), payload, packet);
    });
  }

  // A new connection that takes the stored session up again: no SUBSCRIBE.
  reopen(more) { return this.connect({ clean: false, ...more }); }

  async renew(token) {
    const old = this.client;
    await this.reopen({ password: token });
    old.end(true);
  }

  // The granted QoS.
  subscribe(filter, qos, handler) {
    if (handler) this.topics.push({ prefix: filter.slice(0, -1), handler });
    return new Promise((resolve, reject) => {
      this.client.subscribe(filter, { qos }, (error, granted) => (error ? reject(error) : resolve(granted[0].qos)));
    });
  }

  // Resolves at the PUBACK; rejects when the connection ends first, which is how MQTT says no.
  publish(topic, body, options = { qos: 1 }) {
    const { client } = this;
    return Promise.race([
      new Promise((resolve, reject) => client.publish(topic, body, options, (error) => (error ? reject(error) : resolve()))),
      this.lost.then(() => { throw Object.assign(new Error('the hub closed the connection'), { refusal: 'closed' }); }),
    ]);
  }

  send(message, options) { return this.publish(`${this.identity.path}/messages/events/${bag(message)}`, Buffer.from(message.body ?? ''), options); }

  output(name, message) { return this.send({ ...message, output: name }); }

  receive(handler) {
    return this.subscribe(`${this.identity.path}/messages/devicebound/#`, 1, (text, payload, packet) => {
      handler({ body: payload, ...unbag(text), complete: async () => {}, packet });
    });
  }

  inputs(handler) {
    return this.subscribe(`${this.identity.path}/inputs/#`, 1, (text, payload) => {
      const [name, properties] = text.split('/');
      handler(name, { body: payload, ...unbag(properties), complete: async () => {} });
    });
  }

  async ask(topic, body, more = '') {
    this.answers ??= this.subscribe('$iothub/twin/res/#', 0, (text, payload) => {
      const [, status, rid, version] = /^(\d+)\/\?\$rid=([^&]*)(?:&\$version=(\d+))?$/.exec(text);
      this.pending.get(rid)?.({ status: Number(status), version: Number(version), payload });
    });
    this.pending ??= new Map();
    await this.answers;
    this.rids += 1;
    const rid = `r${this.rids}`;
    const answer = new Promise((resolve) => this.pending.set(rid, resolve));
    this.client.publish(`$iothub/twin/${topic}/?$rid=${rid}${more}`, body);
    const { status, version, payload } = await answer;
    if (status < 300) return { version, body: payload.length > 0 ? JSON.parse(payload) : undefined };
    throw Object.assign(new Error(JSON.parse(payload).message), { status, refusal: { 400: 'bad argument', 412: 'stale' }[status] ?? String(status) });
  }

  async twin() { return (await this.ask('GET', ' ')).body; }

  // Text is sent as it is.
  async report(patch, ifVersion) {
    return (await this.ask('PATCH/properties/reported', typeof patch === 'string' ? patch : JSON.stringify(patch), ifVersion ? `&$version=${ifVersion}` : '')).version;
  }

  desired(handler) { return this.subscribe('$iothub/twin/PATCH/properties/desired/#', 0, (text, payload) => handler(JSON.parse(payload))); }

  async method(name, handler) {
    this.methods ??= {};
    this.methods[name] = handler;
    this.methodFilter ??= this.subscribe('$iothub/methods/POST/#', 0, (text, payload) => {
      const [, called, rid] = /^([^/]+)\/\?\$rid=(.*)$/.exec(text);
      const answer = this.methods[called]?.(payload.length > 0 ? JSON.parse(payload) : null);
      if (answer) this.client.publish(`$iothub/methods/res/${answer.status}/?$rid=${rid}`, JSON.stringify(answer.payload));
    });
    await this.methodFilter;
  }

  // Goes without DISCONNECT.
  vanish() {
    this.client.stream.destroy();
    return this.lost;
  }

  close() { return new Promise((resolve) => this.client.end(this.isLost ?? false, resolve)); }
}
