// A short run of ./chaos: every promise after each of some faults on real processes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin } from '../conformance/node/support/processes.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

test('nothing acknowledged is lost by kills, power cuts, full disks and bad networks', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sv-chaos-'));
  try {
    const json = path.join(folder, 'report.json');
    const args = ['--seed', '4', '--iterations', '20', '--minutes', '0.8', '--no-engine', '--bin', bin, '--json', json];
    const { code, output } = await new Promise((resolve) => {
      execFile(path.join(root, 'chaos'), args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
        resolve({ code: error ? error.code : 0, output: stdout + stderr }));
    });
    assert.equal(code, 0, output);
    const report = JSON.parse(readFileSync(json, 'utf8'));
    assert.ok(report.iterations > 0 && report.survived === report.iterations, output);
    assert.ok(report.messages.acknowledged > 100, output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
