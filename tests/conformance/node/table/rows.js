// The rows of the table, in the order in which they are shown.
//
// A row is { name, run(cell), not?, notes?, alone? }:
//   not     columns -> { why, where, refused?(cell) }: what the service (or the SDK) does not do there, where that is
//           written, and a function that shows the refusal; without one the cell is skipped.
//   notes   columns -> what the cell leaves out although it passes.
//   alone   the row stops the hub, so nothing else may run beside it.
import { c2d } from './rows/c2d.js';
import { connections } from './rows/connections.js';
import { methods } from './rows/methods.js';
import { modules } from './rows/modules.js';
import { refusals } from './rows/refusals.js';
import { telemetry } from './rows/telemetry.js';
import { twins } from './rows/twins.js';
import { wire } from './rows/wire.js';
import { x509 } from './rows/x509.js';

export const rows = [...telemetry, ...c2d, ...twins, ...methods, ...modules, ...connections, ...x509, ...refusals, ...wire];

// What `table` of a row says about a column: by its name, by SDK and protocol ("sdk-amqp"), by protocol, by 'sdk' or 'raw'.
export function about(table = {}, { name, family, sdk }) {
  const key = [name, sdk && `sdk-${family}`, family, sdk ? 'sdk' : 'raw'].find((one) => one in table);
  return table[key];
}
