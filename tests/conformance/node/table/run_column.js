// Makes a test of every cell of one column. A cell that the service does not offer shows the refusal, or is skipped with the
// reason.
import { after, before, describe, test } from 'node:test';
import { columns } from './columns.js';
import { about, rows } from './rows.js';
import { World } from './world.js';

// What a row's function gets: the column, the world, and connections that end with the cell.
class Cell {
  constructor(world, column) {
    Object.assign(this, { world, column, peers: [] });
    this.open = this.open.bind(this);
    this.device = this.device.bind(this);
  }

  async open(identity, options = {}) {
    const peer = await this.column.Peer.open(identity, options);
    this.peers.push(peer);
    return peer;
  }

  // A new device and a connection of it.
  async device(options) {
    const identity = await this.world.device();
    return { identity, peer: await this.open(identity, options) };
  }

  end() { return Promise.allSettled(this.peers.map((peer) => peer.close())); }
}

export function runColumn(name) {
  const column = columns.find((one) => one.name === name);
  const wanted = process.env.SELVAGE_ROW;   // to look at one row alone
  let world;
  before(async () => { world = await World.start(); });
  after(() => world?.stop());

  const cells = (chosen) => {
    for (const row of chosen) {
      const not = about(row.not, column);
      const work = not ? not.refused : row.run;
      test(`${row.name} · ${column.name}`, { timeout: 90_000, skip: work ? false : not.why }, async () => {
        const cell = new Cell(world, column);
        try {
          await work(cell);
        } finally {
          await cell.end();
        }
      });
    }
  };
  const mine = rows.filter((row) => !wanted || row.name.includes(wanted));
  describe(column.name, { concurrency: 12 }, () => cells(mine.filter((row) => !row.alone)));
  describe(`${column.name}, rows that stop the hub`, () => cells(mine.filter((row) => row.alone)));
}
