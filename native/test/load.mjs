/**
 * Whether the built kernel works in the Node.js that runs this: loaded by the main thread and by several worker threads at once, a receiver
 * started and stopped again and again in each, every datagram there, and a clean exit with one still running.
 *
 *     node native/test/load.mjs           one line; exit 1 where something is wrong
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';

const THREADS = 3;
const TURNS = 20;
const DATAGRAMS = 50;
const RECORD_HEAD = 40;

const native = createRequire(import.meta.url)('../build/record_call.node');

const must = (isSo, what) => {
  if (!isSo) throw new Error(what);
};

const decode = () => {
  const pcm = new Int16Array(2);
  native.ulawDecode(Uint8Array.of(0xff, 0x80), pcm);
  must(pcm[0] === 0 && pcm[1] === 32124, `PCMU decoded to ${pcm}`);
};

const encode = () => {
  if (native.mp3Library() === undefined) return;
  const mp3 = native.mp3Open(8000, 2, 32, 7);
  const silence = new Float32Array(8000);
  const out = new Uint8Array(native.mp3Bound(8000));
  const bytes = native.mp3Encode(mp3, silence, silence, 8000, out) + native.mp3Flush(mp3, out);
  native.mp3Close(mp3);
  must(bytes > 0, 'no mp3');
};

const receive = async () => {
  const batch = new Uint8Array(1 << 17);
  const view = new DataView(batch.buffer);
  let seen = 0;
  let onSeen = () => {};
  const udp = native.udpStart(1000, 1 << 20, () => {
    for (let bytes = native.udpRead(udp, batch); bytes > 0; bytes = native.udpRead(udp, batch)) {
      for (let at = 0; at < bytes; at += view.getUint32(at, true)) {
        must(view.getUint32(at, true) > RECORD_HEAD, 'a record without a length');
        seen++;
      }
    }
    if (seen === DATAGRAMS) onSeen();
  });
  const told = new Float64Array(3);
  native.udpBind(udp, '127.0.0.1', 0, 1 << 18, told);
  const sender = createSocket('udp4');
  const all = new Promise((resolve) => {
    onSeen = resolve;
  });
  for (let n = 0; n < DATAGRAMS; n++) sender.send(Buffer.from([n, 1, 2, 3]), told[1], '127.0.0.1');
  await all;
  sender.close();
  native.udpStop(udp);
};

const work = async () => {
  for (let turn = 0; turn < TURNS; turn++) {
    decode();
    encode();
    await receive();
  }
  // One that nobody stops must not keep the thread from ending.
  native.udpStart(1000, 1 << 20, () => {});
};

if (isMainThread) {
  const deadline = setTimeout(() => {
    process.stderr.write('the native kernel: not done after 60 s\n');
    process.exit(1);
  }, 60_000);
  const workers = Array.from({ length: THREADS }, () => new Worker(fileURLToPath(import.meta.url)));
  await Promise.all([work(), ...workers.map((worker) => once(worker, 'message'))]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  clearTimeout(deadline);
  process.stdout.write(`the native kernel works in Node.js ${process.versions.node}, in ${THREADS + 1} threads\n`);
  process.exit(0);
} else {
  await work();
  const { parentPort } = await import('node:worker_threads');
  parentPort.postMessage('done');
}
