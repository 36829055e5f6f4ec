/** The file names of one run's recordings: the media name itself, numbered where an earlier recording of the run has it. Pure. */
import { extname } from 'node:path';
import type { OpenRecord } from '../spool/journal-record.ts';

type Named = Pick<OpenRecord, 'id' | 'mediaName'>;

export class MediaNames {
  readonly #byId = new Map<string, string>();
  /** Names of artefacts and of their manifests. */
  readonly #taken = new Set<string>();

  /** Gives a recording its name when it starts, so that numbers go in that order: `call.mp3`, `call-2.mp3`. */
  started({ id, mediaName }: Named): void {
    if (!this.#byId.has(id)) this.#byId.set(id, this.#take(mediaName));
  }

  /** The name, from now on nobody else's. */
  of(recording: Named): string {
    this.started(recording);
    return this.#byId.get(recording.id)!;
  }

  #take(name: string): string {
    const extension = extname(name);
    const stem = name.slice(0, name.length - extension.length);
    let free = name;
    for (let n = 2; this.#taken.has(free) || this.#taken.has(`${free}.json`); n++) free = `${stem}-${n}${extension}`;
    this.#taken.add(free);
    this.#taken.add(`${free}.json`);
    return free;
  }
}
