// `selvage-hub dev`: a whole system in one process, on addresses of its own.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Program, freshAddress, until } from './processes.js';

// The service SDK gives no way to name a CA: what NODE_EXTRA_CA_CERTS does at start, done for a system just made.
const trusted = [];
const createSecureContext = tls.createSecureContext;
tls.createSecureContext = (options) => {
  const made = createSecureContext(options);
  for (const pem of trusted) made.context.addCACert(pem);
  return made;
};

export class DevSystem {
  static start(...args) { return DevSystem.startAt(freshAddress(), freshAddress(), ...args); }

  static async startAt(host, edgeHost, ...args) {
    const system = new DevSystem();
    Object.assign(system, { host, edgeHost });
    system.program = new Program('selvage-hub', ['dev', '--json', '--listen', host, '--edge-listen', edgeHost, ...args]);
    // The program keeps the last of its output only.
    system.lines = [];
    let rest = '';
    system.program.child.stdout.on('data', (data) => {
      const parts = (rest + data).split('\n');
      rest = parts.pop();
      for (const line of parts) system.lines.push(JSON.parse(line));
    });
    system.facts = await until('the facts', () => {
      if (system.program.gone) throw new Error('it ended');
      return system.lines.find((line) => line.readyMilliseconds !== undefined);
    }, 70).catch(async (error) => { await system.program.kill(); throw new Error(`${error.message}\n${system.program.output}`); });
    system.ca = readFileSync(system.facts.caFile, 'utf8');
    trusted.push(system.ca);
    return system;
  }

  // Telemetry of one sender so far, oldest first.
  telemetry(deviceId, moduleId) {
    return this.lines.filter((line) => line.deviceId === deviceId && (line.moduleId ?? undefined) === moduleId);
  }

  telemetryUntil(count, deviceId, moduleId, seconds) {
    return until(`${count} events of ${deviceId}/${moduleId ?? ''}`, () => {
      const found = this.telemetry(deviceId, moduleId);
      return found.length >= count && found;
    }, seconds);
  }

  faults(kind) { return this.lines.filter((line) => line.fault === kind); }

  stop() { return this.program.stop(); }
}
