// The hub of a worker and what its back end does: identities, events, C2D messages, feedback, twins and methods.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import https from 'node:https';
import path from 'node:path';
import readline from 'node:readline';
import iothub from 'azure-iothub';
import { Hub, bin, until } from '../support/processes.js';
import { EdgeHub } from '../support/edge.js';
import { Certificates } from './certificates.js';

const { Registry, Client: ServiceClient } = iothub;

export function token(resource, key, { expires = Math.floor(Date.now() / 1000) + 3600, policy } = {}) {
  const sr = encodeURIComponent(resource);
  const signature = crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${expires}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${expires}${policy ? `&skn=${policy}` : ''}`;
}

// Whose connection it is: a device or module of the hub at `host`, with what proves it.
export class Identity {
  constructor(fields) { Object.assign(this, fields); }

  get resource() { return `${this.hub}/devices/${this.device}${this.module ? `/modules/${this.module}` : ''}`; }

  get path() { return `devices/${this.device}${this.module ? `/modules/${this.module}` : ''}`; }

  get clientId() { return this.module ? `${this.device}/${this.module}` : this.device; }

  token(expires) { return token(this.resource, this.key, { expires }); }

  get connectionString() {
    const parts = [`HostName=${this.hub}`, `DeviceId=${this.device}`];
    if (this.module) parts.push(`ModuleId=${this.module}`);
    parts.push(this.certificate ? 'x509=true' : `SharedAccessKey=${this.key}`);
    if (this.host !== this.hub) parts.push(`GatewayHostName=${this.host}`);
    return parts.join(';');
  }

  with(fields) { return new Identity({ ...this, ...fields }); }
}

export class World {
  static async start() {
    const world = new World();
    world.hub = await Hub.start();
    world.registry = Registry.fromConnectionString(world.hub.connectionString);
    world.service = ServiceClient.fromConnectionString(world.hub.connectionString);
    world.numbers = 0;
    world.records = [];
    world.certificates = new Certificates();
    world.watchEvents();
    return world;
  }

  get host() { return this.hub.host; }

  async stop() {
    this.stopping = true;
    this.monitor.kill();
    await this.edge?.then((edge) => edge.stop(), () => {});
    await this.polling;
    this.certificates.remove();
    await this.hub.stop();
  }

  // ---- identities ----
  async device(authentication) {
    this.numbers += 1;
    const device = `d${this.numbers}`;
    const { responseBody } = await this.registry.create({ deviceId: device, ...(authentication && { authentication }) });
    return this.identity({ device, key: responseBody.authentication.symmetricKey?.primaryKey });
  }

  async module(device, module = 'm') {
    const { responseBody } = await this.registry.addModule({ deviceId: device, moduleId: module });
    return this.identity({ device, module, key: responseBody.authentication.symmetricKey.primaryKey });
  }

  identity(fields) { return new Identity({ hub: this.host, host: this.host, ca: this.hub.ca, ...fields }); }

  // ---- events ----
  watchEvents() {
    this.log = [];
    const monitor = spawn(path.join(bin, 'hubctl'), ['--data', this.hub.data, 'monitor-events', '--output', 'json', '--from-start'],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    const { log } = this;
    readline.createInterface({ input: monitor.stdout }).on('line', (line) => log.push(JSON.parse(line)));
    this.monitor = monitor;
  }

  eventsOf({ device, module }) {
    return this.log.filter((event) => event.deviceId === device && (event.moduleId ?? undefined) === module);
  }

  // The first `count` events of an identity.
  async events(identity, count, seconds = 20) {
    await until(`${count} events of ${identity.clientId}`, () => this.eventsOf(identity).length >= count, seconds)
      .catch((error) => { throw new Error(`${error.message}: ${this.eventsOf(identity).length} came`); });
    return this.eventsOf(identity).slice(0, count);
  }

  // ---- the service API, for what the service SDK needs AMQP for ----
  ask(method, resource, { headers = {}, body } = {}) {
    const key = /SharedAccessKey=(.*)$/.exec(this.hub.connectionString)[1];
    const authorization = token(this.host, key, { policy: 'iothubowner' });
    return new Promise((resolve, reject) => {
      const request = https.request({
        host: this.host, method, path: `${resource}?api-version=2021-04-12`, ca: this.hub.ca, headers: { authorization, ...headers },
      }, (response) => {
        let text = '';
        response.on('data', (data) => { text += data; });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  async send(device, body, { expirySeconds, properties = {}, ...system } = {}) {
    const fields = Object.fromEntries(Object.entries(properties).map(([name, value]) => [`iothub-app-${name}`, value]));
    for (const [name, value] of Object.entries(system)) fields[`iothub-${name.toLowerCase()}`] = value;
    if (expirySeconds) fields['iothub-expiry'] = new Date(Date.now() + expirySeconds * 1000).toISOString();
    const answer = await this.ask('POST', `/selvage/devices/${device}/messages/devicebound`, {
      headers: { 'Content-Type': 'application/vnd.microsoft.iothub.json' },
      body: JSON.stringify([{ body: Buffer.from(body).toString('base64'), base64Encoded: true, properties: fields }]),
    });
    if (answer.status !== 200) throw new Error(`C2D refused: ${answer.status} ${answer.text}`);
  }

  async waiting(device) { return (await this.registry.get(device)).responseBody.cloudToDeviceMessageCount; }

  // How a message ended, as its feedback record says. One reader takes the records of all.
  async feedback(device, messageId, seconds = 40) {
    this.polling ??= this.pollFeedback();
    const record = () => this.records.find((one) => one.deviceId === device && one.originalMessageId === messageId);
    await until(`feedback about ${messageId} of ${device}`, record, seconds);
    return record();
  }

  async pollFeedback() {
    while (!this.stopping) {
      const batch = await this.ask('GET', '/messages/serviceBound/feedback').catch(() => ({ status: 204 }));
      if (batch.status === 200) {
        this.records.push(...JSON.parse(batch.text));
        await this.ask('DELETE', `/messages/serviceBound/feedback/${batch.headers.etag.slice(1, -1)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  // ---- twins and methods ----
  async twin({ device, module }) {
    const { responseBody } = await (module ? this.registry.getModuleTwin(device, module) : this.registry.getTwin(device));
    return responseBody;
  }

  async desire({ device, module }, desired) {
    const patch = { properties: { desired } };
    const { responseBody } = await (module ? this.registry.updateModuleTwin(device, module, patch, '*') : this.registry.updateTwin(device, patch, '*'));
    return responseBody.properties.desired.$version;
  }

  async replaceDesired({ device }, desired, etag) {
    const answer = await this.ask('PUT', `/twins/${device}`, {
      headers: { 'Content-Type': 'application/json', 'If-Match': `"${etag}"` }, body: JSON.stringify({ properties: { desired } }),
    });
    if (answer.status !== 200) throw new Error(`PUT of the twin: ${answer.status} ${answer.text}`);
  }

  // Waits for the device to listen, unless told not to.
  async call({ device, module }, methodName, payload, { connect = 10, respond = 10 } = {}) {
    const call = { methodName, payload, responseTimeoutInSeconds: respond, connectTimeoutInSeconds: connect };
    return (await (module ? this.service.invokeDeviceMethod(device, module, call) : this.service.invokeDeviceMethod(device, call))).result;
  }

  // ---- the edge hub below, for module inputs and outputs ----
  edgeHub() {
    this.edge ??= EdgeHub.start(this.hub, this.registry, 'edge', {
      in: 'FROM /messages/modules/sensor/outputs/hot INTO BrokeredEndpoint("/modules/filter/inputs/in1")',
      up: 'FROM /messages/modules/filter/outputs/* INTO $upstream',
    });
    return this.edge;
  }

  async edgeModule(module) {
    const edge = await this.edgeHub();
    return (await this.module('edge', module)).with({ host: edge.host, ca: edge.ca });
  }

  // A root and an intermediate that it issued; the hub knows the root and has its proof.
  trustRoot() {
    this.trusting ??= this.proveRoot();
    return this.trusting;
  }

  async proveRoot() {
    this.certificates.make('root', { cn: 'Test root', ca: true });
    this.certificates.make('middle', { cn: 'Test intermediate', ca: true, issuer: 'root' });
    await this.hub.ctl('ca', 'add', '--name', 'root', '--file', this.certificates.file('root.pem'));
    this.certificates.make('proof', { cn: (await this.hub.ctl('ca', 'verify', '--name', 'root')).trim(), issuer: 'root' });
    await this.hub.ctl('ca', 'verify', '--name', 'root', '--file', this.certificates.file('proof.pem'));
  }

  async restart() {
    this.monitor.kill();
    await this.hub.restart('SIGKILL');
    this.watchEvents();
  }
}
