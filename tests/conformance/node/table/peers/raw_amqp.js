// A device or module that speaks AMQP 1.0 itself, by rhea.
import rhea from 'rhea';
import { RawAmqp, outcome } from '../../support/raw_amqp.js';

export const batchFormat = 0x80013700;

export function encode({ body = '', properties = {}, security, subject, schema, diagnosticId, diagnosticContext, createdAt, output, expires, ...system }) {
  const annotations = {
    ...(security && { 'iothub-interface-id': 'urn:azureiot:Security:SecurityAgent:1' }), ...(subject && { 'dt-subject': subject }),
    ...(diagnosticId && { 'Diagnostic-Id': diagnosticId }), ...(diagnosticContext && { 'Correlation-Context': diagnosticContext }),
  };
  return {
    message_id: system.messageId, correlation_id: system.correlationId, user_id: system.userId && Buffer.from(system.userId), to: system.to,
    content_type: system.contentType, content_encoding: system.contentEncoding, absolute_expiry_time: expires && Date.parse(expires),
    message_annotations: annotations,
    application_properties: {
      ...properties, ...(createdAt && { 'iothub-creation-time-utc': createdAt }), ...(schema && { 'iothub-message-schema': schema }),
      ...(output && { 'iothub-outputname': output }),
    },
    body: rhea.message.data_section(Buffer.from(body)),
  };
}

const refusals = {
  'amqp:unauthorized-access': 'unauthorized', 'amqp:link:message-size-exceeded': 'too large', 'amqp:not-found': 'not found',
  'com.microsoft:argument-error': 'bad argument', 401: 'unauthorized', 403: 'disabled', 404: 'not found', 400: 'bad argument', 412: 'stale',
};
const refused = (what, text = what) => Object.assign(new Error(`refused: ${text}`), { refusal: refusals[what] ?? String(what) });
const text = (body) => (Buffer.isBuffer(body?.content ?? body) ? (body.content ?? body).toString() : '');

export class RawAmqpPeer {
  static async open(identity, { token, retry, clean, ...more } = {}) {
    const peer = new RawAmqpPeer(identity);
    await peer.connect(token, more);
    return peer;
  }

  // `again`: what to attach once more on the next connection.
  constructor(identity) { Object.assign(this, { identity, overhead: 0, rids: 0, again: [] }); }

  async connect(token, more) {
    const { host, ca, certificate } = this.identity;
    this.raw = await RawAmqp.open({ host, ca }, { ...certificate, ...more });
    this.watch(this.raw);
    if (certificate) return;
    try {
      await this.renew(token ?? this.identity.token());
    } catch (error) {
      this.raw.close();
      throw error;
    }
  }

  async reopen() {
    await this.connect();
    const again = this.again.splice(0);
    for (const attach of again) await attach();
  }

  watch(raw) {
    Object.assign(this, { links: {}, isLost: false, twinSender: undefined, methodSender: undefined });
    this.lost = new Promise((resolve) => { this.lose = resolve; });
    this.lost.then(() => { if (this.raw === raw) this.isLost = true; });
    for (const event of ['disconnected', 'connection_close']) raw.connection.on(event, (context) => this.lose(context));
  }

  async renew(token) {
    const { 'status-code': status, 'status-description': why } = (await this.raw.putToken(token)).application_properties;
    if (status !== 200) throw refused(status, why);
  }

  async attach(how, suffix, more) {
    try {
      const link = await this.raw[how](`/${this.identity.path}${suffix}`, more);
      for (const event of [`${how}_close`, `${how}_error`]) link.on(event, (context) => this.lose(context));
      return link;
    } catch (error) {
      throw refused(error.condition, error.message);
    }
  }

  // One an address, made at its first use.
  sender(suffix, more) {
    this.links[suffix] ??= this.attach('sender', suffix, more);
    return this.links[suffix];
  }

  receiver(suffix, more) { return this.attach('receiver', suffix, more); }

  async deliver(message, format) {
    const sender = await this.sender('/messages/events');
    sender.setMaxListeners(0);   // one a message in flight
    this.tags = (this.tags ?? 0) + 1;
    const result = await Promise.race([outcome(sender, message, `t${this.tags}`, format), this.lost.then(() => 'closed')]);
    if (result !== 'accepted') throw refused(result);
  }

  send(message) { return this.deliver(encode(message)); }

  sendBatch(messages) {
    const parts = messages.map((message) => rhea.message.encode(encode(message)));
    return this.deliver(rhea.message.encode({ body: rhea.message.data_sections(parts) }), batchFormat);
  }

  output(name, message) { return this.send({ ...message, output: name }); }

  async receive(handler, suffix = '/messages/devicebound') {
    this.again.push(() => this.receive(handler, suffix));
    const receiver = await this.receiver(suffix, { autoaccept: false, credit_window: 50 });
    const take = ({ message, delivery }) => handler({
      body: Buffer.from(message.body.content), properties: { ...message.application_properties }, messageId: message.message_id,
      correlationId: message.correlation_id, userId: message.user_id?.toString(), contentType: message.content_type,
      contentEncoding: message.content_encoding, to: message.to, deliveryCount: message.message_annotations['iothub-deliverycount'],
      input: message.message_annotations['x-opt-input-name'], delivery,
      complete: async () => delivery.accept(), abandon: async () => delivery.release({ delivery_failed: false }), reject: async () => delivery.reject(),
    });
    receiver.on('message', take);
    receiver.messages.forEach(take);
    return receiver;
  }

  inputs(handler) { return this.receive((received) => handler(received.input, received), '/messages/events'); }

  // The pair of links that twins and methods have.
  async pair(suffix, kind, take) {
    const properties = { 'com.microsoft:channel-correlation-id': `${kind}:${rhea.generate_uuid()}`, 'com.microsoft:api-version': '2021-04-12' };
    const sender = await this.sender(suffix, { properties, snd_settle_mode: 1 });
    const receiver = await this.receiver(suffix, { properties, rcv_settle_mode: 0 });
    receiver.on('message', ({ message }) => take(message));
    receiver.messages.forEach(({ message }) => take(message));
    return sender;
  }

  async twinLinks() {
    this.pending ??= new Map();
    this.twinSender ??= this.pair('/twin', 'twin', (message) => {
      if (message.correlation_id) this.pending.get(message.correlation_id)?.(message);
      else this.onDesired?.(JSON.parse(text(message.body)));
    });
    return this.twinSender;
  }

  async ask(annotations, body = ' ') {
    const sender = await this.twinLinks();
    this.rids += 1;
    const id = `Request${this.rids}`;
    const answer = new Promise((resolve) => this.pending.set(id, resolve));
    sender.send({ correlation_id: id, message_annotations: annotations, body: rhea.message.data_section(Buffer.from(body)) });
    const { message_annotations: { status, version }, body: answered } = await answer;
    if (status >= 300) throw refused(status, text(answered));
    return { version, body: text(answered) };
  }

  async twin() { return JSON.parse((await this.ask({ operation: 'GET' })).body); }

  // Text is sent as it is.
  async report(patch, ifVersion) {
    const annotations = { operation: 'PATCH', resource: '/properties/reported', ...(ifVersion && { version: rhea.types.wrap_long(ifVersion) }) };
    return (await this.ask(annotations, typeof patch === 'string' ? patch : JSON.stringify(patch))).version;
  }

  async desired(handler) {
    this.again.push(() => this.desired(handler));
    this.onDesired = handler;
    await this.ask({ operation: 'PUT', resource: '/notifications/twin/properties/desired' });
  }

  async method(name, handler) {
    this.again.push(() => this.method(name, handler));
    this.methods ??= {};
    this.methods[name] = handler;
    this.methodSender ??= this.pair('/methods/devicebound', 'methods', async (message) => {
      const payload = text(message.body);
      const answer = this.methods[message.application_properties['IoThub-methodname']]?.(payload ? JSON.parse(payload) : null);
      if (!answer) return;
      (await this.methodSender).send({
        correlation_id: message.correlation_id, application_properties: { 'IoThub-status': rhea.types.wrap_int(answer.status) },
        body: rhea.message.data_section(Buffer.from(JSON.stringify(answer.payload))),
      });
    });
    await this.methodSender;
  }

  async close() { this.raw.close(); }
}
