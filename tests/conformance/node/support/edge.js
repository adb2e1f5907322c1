// An edge hub without a security daemon: its developer mode, on an address of its own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Program, freshAddress } from './processes.js';

export class EdgeHub {
  // `hub`: the cloud hub above. Registers `device` as an edge device; `routes` is its first deployment.
  static async start(hub, registry, device, routes) {
    const edge = new EdgeHub();
    Object.assign(edge, { hub, registry, device, host: freshAddress() });
    edge.folder = mkdtempSync(path.join(tmpdir(), 'selvage-edge-'));
    await hub.ctl('identity', 'create', '-d', device, '--edge-enabled');
    // The daemon would give the module keys that it derives; here it gets one of its own.
    edge.key = Buffer.alloc(32, device).toString('base64');
    const module = (await registry.getModule(device, '$edgeHub')).responseBody;
    module.authentication = { type: 'sas', symmetricKey: { primaryKey: edge.key, secondaryKey: edge.key } };
    await registry.updateModule(module, true);
    await edge.deploy(routes);
    edge.makeCertificate();
    await edge.up();
    return edge;
  }

  deploy(routes, more = {}) {
    return this.registry.applyConfigurationContentOnDevice(this.device, {
      modulesContent: {
        $edgeAgent: {
          'properties.desired': {
            schemaVersion: '1.1', runtime: { type: 'docker', settings: {} }, modules: {},
            systemModules: {
              edgeAgent: { type: 'docker', settings: { image: 'a' } },
              edgeHub: { type: 'docker', status: 'running', restartPolicy: 'always', settings: { image: 'h' } },
            },
          },
        },
        $edgeHub: {
          'properties.desired': {
            schemaVersion: '1.1', routes, storeAndForwardConfiguration: { timeToLiveSecs: 7200 }, ...more,
          },
        },
      },
    });
  }

  makeCertificate() {
    const file = (name) => path.join(this.folder, name);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
      '-subj', '/CN=edge', '-addext', `subjectAltName=IP:${this.host}`, '-keyout', file('key.pem'), '-out', file('cert.pem')],
    { stdio: 'ignore' });
    this.ca = readFileSync(file('cert.pem'), 'utf8');
  }

  launch() {
    this.program = new Program('edge-hub', [], {
      IotHubConnectionString: `HostName=${this.hub.host};DeviceId=${this.device};ModuleId=$edgeHub;SharedAccessKey=${this.key}`,
      EdgeDeviceHostName: this.host,
      EdgeHubDevServerCertificateFile: path.join(this.folder, 'cert.pem'),
      EdgeHubDevServerPrivateKeyFile: path.join(this.folder, 'key.pem'),
      EdgeHubDevTrustBundleFile: path.join(this.hub.data, 'certs/ca.pem'),
      StorageFolder: this.folder,
      MqttSettings__Address: this.host,
      RuntimeLogLevel: 'debug',
    });
  }

  async up() {
    this.launch();
    await this.program.ready([[this.host, 8883], [this.host, 443]]);
  }

  async restart(signal = 'SIGKILL') {
    await this.program.kill(signal);
    await this.up();
  }

  // Turns a connection string of the hub above into one by way of this edge hub.
  through(connectionString) { return `${connectionString};GatewayHostName=${this.host}`; }

  async createModule(module) { return this.through(await this.hub.createModule(this.device, module)); }

  async createLeaf(id) { return this.through(await this.hub.createDevice(id, '--parent', this.device)); }

  async reported() { return (await this.registry.getModuleTwin(this.device, '$edgeHub')).responseBody.properties.reported; }

  async stop() {
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
