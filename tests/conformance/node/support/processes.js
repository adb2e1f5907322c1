// Runs the real programs for a test: each on loopback addresses and folders of its own, gone when the test ends.
import { spawn, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import net from 'node:net';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const bin = process.env.SELVAGE_BIN ?? path.resolve(here, '../../../../build/release/bin');

// Polls until `condition` gives something truthy; names `what` when it does not in time.
export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what} did not happen within ${seconds} s${last ? `: ${last.message}` : ''}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// SDKs dial fixed ports, so each hub gets an address of its own out of 127/8: from the process id and a counter.
let counter = 0;
export function freshAddress() {
  counter += 1;
  return `127.${1 + ((process.pid >> 8) & 0x7f)}.${process.pid & 0xff}.${counter}`;
}

export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    execFile(path.join(bin, program), args, { maxBuffer: 64 << 20, ...options }, (error, stdout, stderr) => {
      if (error) reject(Object.assign(new Error(`${program} ${args.join(' ')}: ${stderr || error.message}`), { code: error.code, stdout, stderr }));
      else resolve(stdout);
    });
  });
}

function portAnswers(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port }, () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

// A program that runs until stop(). Its output is kept and shown when a test fails.
export class Program {
  constructor(name, args, env = {}) {
    this.name = name;
    this.output = '';
    this.child = spawn(path.join(bin, name), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data) => { this.output = (this.output + data).slice(-200_000); });
    }
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    this.child.on('exit', () => { this.gone = true; });
  }

  async ready(checks) {
    await until(`${this.name} listening`, async () => {
      if (this.gone) throw new Error(`it ended:\n${this.output}`);
      const answers = await Promise.all(checks.map(([host, port]) => portAnswers(host, port)));
      return answers.every(Boolean);
    }).catch((error) => { throw new Error(`${error.message}\n${this.output}`); });
  }

  async kill(signal = 'SIGKILL') {
    if (!this.gone) this.child.kill(signal);
    return this.exited;
  }

  stop() { return this.kill('SIGTERM'); }
}

// The service SDK gives no way to name a CA; what NODE_EXTRA_CA_CERTS does at start is done here for a hub just made.
const trusted = [];
const createSecureContext = tls.createSecureContext;
tls.createSecureContext = (options) => {
  const made = createSecureContext(options);
  for (const pem of trusted) made.context.addCACert(pem);
  return made;
};

export class Hub {
  static async start() {
    const hub = new Hub();
    hub.host = freshAddress();
    hub.folder = mkdtempSync(path.join(tmpdir(), 'selvage-hub-'));
    hub.data = path.join(hub.folder, 'data');
    await run('selvage-hub', ['init', '--data', hub.data, '--hostname', hub.host]);
    hub.ca = readFileSync(path.join(hub.data, 'certs/ca.pem'), 'utf8');
    trusted.push(hub.ca);
    await hub.up();
    hub.connectionString = (await hub.ctl('connection-string')).trim();
    return hub;
  }

  async up() {
    this.program = new Program('selvage-hub', ['serve', '--data', this.data, '--listen', this.host]);
    await this.program.ready([[this.host, 8883], [this.host, 443], [this.host, 5671]]);
  }

  async restart(signal = 'SIGKILL') {
    await this.program.kill(signal);
    await this.up();
  }

  ctl(...args) { return run('hubctl', ['--data', this.data, ...args]); }

  async createDevice(id, ...more) {
    await this.ctl('identity', 'create', '-d', id, ...more);
    return (await this.ctl('connection-string', '--device', id)).trim();
  }

  async createModule(device, module) {
    await this.ctl('identity', 'create', '-d', device, '-m', module);
    return (await this.ctl('connection-string', '--device', device, '--module', module)).trim();
  }

  // Telemetry from the first on, until `count` have come.
  async events(count, ...more) {
    const text = await this.ctl('monitor-events', '--output', 'json', '--from-start', '--count', String(count), '--timeout', '30', ...more);
    return text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  async stop() {
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
