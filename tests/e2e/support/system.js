// The whole system as ./quickstart makes it, in a folder of its own.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run as runProgram, until } from '../../conformance/node/support/processes.js';

export { until };
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const version = /project\(selvage VERSION ([0-9.]+)/.exec(readFileSync(path.join(root, 'CMakeLists.txt'), 'utf8'))[1];

export class System {
  constructor() {
    this.run = mkdtempSync(path.join(tmpdir(), 'sv-'));
    this.device = 'quickstart-edge';
    // No engine of the machine's: quickstart starts one in this network namespace.
    this.env = { ...process.env, SELVAGE_RUN: this.run };
    delete this.env.DOCKER_HOST;
    this.data = path.join(this.run, 'hub');
  }

  quickstart(...args) { return this.exec(path.join(root, 'quickstart'), args, { timeout: 600_000 }); }

  exec(program, args, options = {}) {
    return new Promise((resolve, reject) => {
      execFile(program, args, { env: this.env, maxBuffer: 256 << 20, ...options }, (error, stdout, stderr) => {
        if (error) reject(Object.assign(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`), { code: error.code }));
        else resolve(stdout);
      });
    });
  }

  async up() {
    const output = await this.quickstart('--no-follow');
    this.env.DOCKER_HOST = `unix://${this.run}/docker/docker.sock`;
    return output;
  }

  async down() {
    await this.quickstart('--down').finally(() => rmSync(this.run, { recursive: true, force: true }));
  }

  docker(...args) { return this.exec('docker', args); }
  hubctl(...args) { return runProgram('hubctl', ['--data', this.data, ...args]); }
  iotedge(...args) { return runProgram('iotedge', ['-H', `unix://${this.run}/edge/mgmt.sock`, ...args]); }
  async twin(module) { return JSON.parse(await this.hubctl('twin', 'show', '-d', this.device, '-m', module)); }

  async deploy(change) {
    const manifest = JSON.parse(readFileSync(path.join(this.run, 'edge/deployment.json'), 'utf8'));
    change(manifest.modulesContent);
    const file = path.join(this.run, 'changed.json');
    writeFileSync(file, JSON.stringify(manifest));
    await this.hubctl('set-modules', '-d', this.device, '--content', file);
    return manifest;
  }

  // Everything that has arrived from a module, in order of arrival.
  async events(module) {
    const args = ['--data', this.data, 'monitor-events', '--device', this.device, '--output', 'json', '--from-start', '--timeout', '2'];
    const text = await runProgram('hubctl', args).catch(async (error) => {
      // Without --count it ends by its time limit; what was printed is what there is.
      if (error.stdout !== undefined) return error.stdout;
      throw error;
    });
    return text.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter((event) => event.moduleId === module);
  }

  logs() {
    const folder = path.join(this.run, 'log');
    return readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8')).join('\n');
  }

  pid(name) { return Number(readFileSync(path.join(this.run, `${name}.pid`), 'utf8')); }

  // Stops the hub hard and starts it again, as an operator would.
  killHub() { process.kill(this.pid('hub'), 'SIGKILL'); }
}

// Sequence numbers of one run of the sensor (a batch id), with repeats removed as they come again.
export function runsOf(events) {
  const runs = new Map();
  for (const event of events) {
    const batch = event.properties.batchId;
    const list = runs.get(batch) ?? [];
    list.push(Number(event.properties.sequenceNumber));
    runs.set(batch, list);
  }
  return runs;
}
