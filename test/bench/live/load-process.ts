/** The process that sends: says when it is ready, begins when it is told to, and tells what it did. */
import { once } from 'node:events';
import { Load, type LoadJob } from './load.ts';

const load = new Load(JSON.parse(process.argv[2]) as LoadJob);
await load.open();
process.send?.('ready');
await once(process, 'message');
process.send?.(await load.run());
load.close();
process.disconnect();
