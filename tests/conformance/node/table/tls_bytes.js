// Bytes over TLS, for what no client library sends.
import tls from 'node:tls';
import { until } from '../support/processes.js';

export class TlsBytes {
  // `early`: written before the handshake is over, which sends it in one flight with its last message.
  static async open({ host, ca }, port, early) {
    const one = new TlsBytes();
    one.socket = tls.connect({ host, port, ca, checkServerIdentity: () => undefined });
    one.socket.setNoDelay(true);
    one.received = Buffer.alloc(0);
    one.socket.on('data', (data) => { one.received = Buffer.concat([one.received, data]); });
    one.socket.on('error', () => {});
    one.socket.on('close', () => { one.closed = true; });
    if (early) one.socket.write(early);
    await new Promise((resolve, reject) => { one.socket.once('secureConnect', resolve); one.socket.once('error', reject); });
    return one;
  }

  // Each part in a TLS record of its own.
  async write(...parts) {
    for (const part of parts) await new Promise((resolve) => this.socket.write(part, resolve));
  }

  got(what, condition) { return until(what, () => condition(this.received) || (this.closed && Promise.reject(new Error('closed'))), 10); }

  // All that came until the end.
  async end() {
    await until('the end', () => this.closed, 10);
    return this.received;
  }

  close() { this.socket.destroy(); }
}

export const text = (value) => Buffer.concat([Buffer.from([Buffer.byteLength(value) >> 8, Buffer.byteLength(value) & 255]), Buffer.from(value)]);

// An MQTT packet with the length that its parts have.
export function packet(head, ...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length = [];
  let rest = body.length;
  do {
    length.push((rest % 128) | (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

export function connectPacket(identity, { name = 'MQTT', level = 4, flags = 0xc2, keepAlive = 60, clientId = identity.clientId, user, password = identity.token(), will = [] } = {}) {
  const userName = user ?? `${identity.hub}/${identity.clientId}/?api-version=2021-04-12`;
  return packet(0x10, text(name), [level, flags, keepAlive >> 8, keepAlive & 255], text(clientId), ...will.map(text),
    ...(flags & 0x80 ? [text(userName)] : []), ...(flags & 0x40 ? [text(password)] : []));
}
