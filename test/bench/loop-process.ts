/** The process of one loop: takes its job as an argument, runs it, prints its figures as JSON. */
import type { Loop, LoopJob, LoopResult } from './loops/loop.ts';

const job = JSON.parse(process.argv[2]) as LoopJob;
const { loop } = (await import(`./loops/${job.loop}.ts`)) as { readonly loop: Loop };
const samples = await loop(job);
const result: LoopResult = { samples, peakBytes: process.resourceUsage().maxRSS * 1024 };
process.stdout.write(JSON.stringify(result));
