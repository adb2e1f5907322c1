import { runColumn } from './run_column.js';

runColumn('amqp');
