// A raw AMQP client with promises, for what the SDK cannot say.
import crypto from 'node:crypto';
import rhea from 'rhea';

export function token(resource, secret, expires = Math.floor(Date.now() / 1000) + 3600) {
  const sr = encodeURIComponent(resource);
  const signature = crypto.createHmac('sha256', Buffer.from(secret, 'base64')).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expires}`;
}

function once(emitter, good, bad, seconds = 10) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`none of ${good} within ${seconds} s`)), seconds * 1000);
    const done = (how) => (value) => { clearTimeout(timer); how(value); };
    for (const name of good) emitter.once(name, done(resolve));
    for (const name of bad) emitter.once(name, done((context) => reject(errorOf(context))));
  });
}

function errorOf(context) {
  const from = context?.sender?.error ?? context?.receiver?.error ?? context?.session?.error ?? context?.connection?.error ?? context?.error ?? context;
  return Object.assign(new Error(from?.description ?? from?.message ?? 'closed'), { condition: from?.condition });
}

export class RawAmqp {
  static async open(hub, more = {}) {
    const raw = new RawAmqp();
    raw.container = rhea.create_container();
    raw.container.on('error', () => {});
    raw.connection = raw.container.connect({
      host: hub.host, hostname: hub.host, port: 5671, transport: 'tls', ca: hub.ca, reconnect: false, ...more,
    });
    for (const name of ['sender_error', 'receiver_error', 'connection_error', 'disconnected', 'error']) raw.connection.on(name, () => {});
    await once(raw.connection, ['connection_open'], ['connection_error', 'disconnected', 'connection_close']);
    return raw;
  }

  async sender(address, more = {}) {
    const sender = this.connection.open_sender({ target: { address }, autosettle: true, ...more });
    await once(sender, ['sendable'], ['sender_error', 'sender_close']);
    return sender;
  }

  async receiver(address, more = {}) {
    const receiver = this.connection.open_receiver({ source: { address }, ...more });
    receiver.messages = [];
    receiver.on('message', (context) => receiver.messages.push(context));
    // A refusal is an attach and then a detach, mostly in one write.
    let refusal;
    receiver.once('receiver_error', (context) => { refusal = context; });
    await once(receiver, ['receiver_open'], ['receiver_error', 'receiver_close']);
    await new Promise((resolve) => setImmediate(resolve));
    if (refusal) throw errorOf(refusal);
    return receiver;
  }

  // Puts a token on $cbs and gives the answer.
  async putToken(text, id = rhea.generate_uuid()) {
    this.cbsSender ??= await this.sender('$cbs');
    this.cbsReceiver ??= await this.receiver('$cbs');
    this.cbsSender.send({
      message_id: id, to: '$cbs', reply_to: 'cbs', body: text,
      application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: 'any' },
    });
    const context = this.cbsReceiver.messages.shift() ?? await once(this.cbsReceiver, ['message'], ['receiver_close', 'receiver_error']);
    this.cbsReceiver.messages.length = 0;
    return context.message;
  }

  close() {
    this.connection.close();
  }
}

// What became of one message: 'accepted', 'released', or the condition it was rejected with.
export function outcome(sender, message, tag, format) {
  return new Promise((resolve) => {
    const listeners = {
      accepted: (context) => of(context, 'accepted'),
      released: (context) => of(context, 'released'),
      rejected: (context) => of(context, context.delivery.remote_state.error.condition),
      sender_error: (context) => end(context.sender.error.condition),
    };
    const end = (result) => {
      for (const [name, listener] of Object.entries(listeners)) sender.removeListener(name, listener);
      resolve(result);
    };
    const of = (context, result) => { if (context.delivery === delivery) end(result); };
    for (const [name, listener] of Object.entries(listeners)) sender.on(name, listener);
    const delivery = sender.send(message, tag, format);
  });
}

// Settles a received message: `how` is 'accept', 'release', 'reject' or 'modified'. One at a time: rhea (1.0.24) writes two
// neighbours that are settled in one turn as one disposition with the outcome of the first, whatever the second was given
// (write_dispositions in its lib/session.js compares outcomes from the third on). It writes before the next setImmediate.
export async function settle(delivery, how, ...more) {
  delivery[how](...more);
  await new Promise((resolve) => setImmediate(resolve));
}
