// A reporter of node:test that shows the table: scenario by column, with counts and the reasons of what is not there.
// Writes it to build/conformance/table.{json,md} too. Prints nothing when no cell ran.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { columns } from './columns.js';
import { about, rows } from './rows.js';

const wanted = process.env.SELVAGE_ROW;   // one row alone is shown and not kept
const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../../build/conformance');

// What became of a cell: pass, fail, n/a (with the refusal shown, or stated) or missing.
function resultOf(event, not) {
  if (!event) return 'missing';
  if (!event.passed) return 'fail';
  return not ? 'n/a' : 'pass';
}

function tableOf(events) {
  const table = { columns: columns.map(({ name }) => name), counts: { pass: 0, fail: 0, 'n/a': 0, missing: 0 }, rows: [], notes: [] };
  const number = (text) => {
    if (!table.notes.includes(text)) table.notes.push(text);
    return table.notes.indexOf(text) + 1;
  };
  for (const row of rows.filter(({ name }) => !wanted || name.includes(wanted))) {
    const cells = {};
    for (const column of columns) {
      const event = events.get(`${row.name} · ${column.name}`);
      const not = about(row.not, column);
      const result = resultOf(event, not);
      table.counts[result] += 1;
      const note = not ? `${not.why}${not.refused ? ' (refusal checked)' : ''}. ${not.where}` : about(row.notes, column);
      cells[column.name] = { result, ...(note && { note: number(note) }), ...(event && { milliseconds: Math.round(event.milliseconds) }) };
    }
    table.rows.push({ name: row.name, cells });
  }
  return table;
}

const shown = ({ result, note }) => `${result === 'fail' ? 'FAIL' : result}${note ? ` [${note}]` : ''}`;
const countsOf = ({ counts }) => Object.entries(counts).map(([result, count]) => `${count} ${result}`).join(', ');

function asText(table) {
  const head = ['scenario', ...table.columns];
  const lines = table.rows.map((row) => [row.name, ...table.columns.map((column) => shown(row.cells[column]))]);
  const widths = head.map((_, i) => Math.max(...[head, ...lines].map((line) => line[i].length)));
  const text = (line) => line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd();
  const notes = table.notes.map((note, i) => `[${i + 1}] ${note}`);
  return ['', text(head), ...lines.map(text), '', countsOf(table), ...notes, ''].join('\n');
}

function asMarkdown(table) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const cell = (one) => shown(one).replace(/ \[(\d+)\]/, '<sup>$1</sup>').replace('FAIL', '**FAIL**');
  const lines = table.rows.map((row) => line([row.name, ...table.columns.map((column) => cell(row.cells[column]))]));
  const notes = table.notes.map((note, i) => `${i + 1}. ${note}`);
  return ['# Scenarios by transport', '', line(['scenario', ...table.columns]), line(['---', ...table.columns.map(() => '---')]), ...lines, '', countsOf(table), '', ...notes, ''].join('\n');
}

export default async function* report(source) {
  const events = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:pass' || type === 'test:fail') events.set(data.name, { passed: type === 'test:pass', milliseconds: data.details.duration_ms });
  }
  if (![...events.keys()].some((name) => name.includes(' · '))) return;
  const table = tableOf(events);
  if (!wanted) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'table.json'), `${JSON.stringify(table, null, 2)}\n`);
    writeFileSync(path.join(folder, 'table.md'), asMarkdown(table));
  }
  yield asText(table);
}
