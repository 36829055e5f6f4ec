/** Packets through a call, its recordings and the finalizer, in this thread, with every file of theirs below one folder. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActionResult } from '../../src/call/action.ts';
import { Call, type CallListener } from '../../src/call/call.ts';
import type { MediaPacket } from '../../src/call/intake.ts';
import type { RecordAction, RecordCallFields } from '../../src/core/record-call.ts';
import { decodeArtefact } from '../../src/finalize/decode/artefact-decoder.ts';
import { type FinalizeResult, finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import type { Recorder } from '../../src/record/recorder.ts';
import { channelsOf, joined, seeded } from './tones.ts';

export type Finished = { readonly recorder: Recorder; readonly result: FinalizeResult };

export class Pipeline {
  readonly folder: string;
  readonly call: Call;
  readonly closed: Recorder[] = [];
  readonly overdue: string[] = [];
  readonly digits: string[] = [];

  constructor(folder: string, listener: CallListener = {}, seed = 1, redactTones = false) {
    this.folder = folder;
    const random = seeded(seed);
    this.call = new Call({
      startUs: 0,
      redactTones,
      identity: {
        callId: 'call-1',
        parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
      },
      journalPath: (id) => join(folder, `${id}.journal`),
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
      listener: {
        onClosed: (recorder) => this.closed.push(recorder),
        onMaskOverdue: (expiry) => this.overdue.push(expiry),
        onDigit: (leg, digit) => this.digits.push(`${leg}${digit}`),
        ...listener,
      },
    });
  }

  packet(packet: Omit<MediaPacket, 'start' | 'end' | 'marker'> & { bytes: Uint8Array }): void {
    this.call.packet({ marker: false, ...packet, start: 0, end: packet.bytes.length });
  }

  command(action: RecordAction, fields: RecordCallFields = {}): Promise<ActionResult> {
    return this.call.command({ action, fields, trigger: { kind: 'api', by: 'test' } });
  }

  /** Ends the call and finalizes what it recorded, oldest first. */
  async finish(): Promise<Finished[]> {
    await this.call.end();
    const directory = join(this.folder, 'out');
    await mkdir(directory, { recursive: true });
    const finished: Finished[] = [];
    // Journals close side by side, in any order.
    for (const recorder of this.closed.sort((one, other) => one.head.startUs - other.head.startUs)) {
      const { mediaName } = recorder.head;
      finished.push({
        recorder,
        result: await finalizeRecording({ journalPath: recorder.path, directory, mediaName, encoder: 'lamejs' }),
      });
    }
    return finished;
  }
}

export type Heard = { readonly sampleRate: number; readonly channels: readonly Int16Array[] };

/** The decoded artefact. @throws when it was discarded. */
export const hear = async ({ result }: Finished): Promise<Heard> => {
  if (result.state !== 'stored') throw new Error(`the recording is ${result.state}`);
  const decoded = await decodeArtefact(result.path);
  const chunks: Int16Array[] = [];
  for await (const chunk of decoded.chunks) chunks.push(chunk.slice());
  return { sampleRate: decoded.sampleRate, channels: channelsOf(joined(...chunks), decoded.channels) };
};

export const manifestOf = ({ result }: Finished) => {
  if (result.state !== 'stored') throw new Error(`the recording is ${result.state}`);
  return result.manifest;
};

export const bytesOf = (path: string): Buffer => readFileSync(path);
