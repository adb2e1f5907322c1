import { runColumn } from './run_column.js';

runColumn('mqtt-ws');
