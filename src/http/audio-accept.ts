/**
 * Whether a request for a recording wants its document or its audio (kazoo-contract §7; RFC 9110 §12.5.1). Any type of audio that
 * Kazoo's clients name gives the artefact, whatever it is: the answer says its true type. Pure.
 */

export type Wanted = 'document' | 'audio';

const DOCUMENT_TYPES: ReadonlySet<string> = new Set(['application/json', 'application/x-json', 'application/*', '*/*']);
const AUDIO_TYPES: ReadonlySet<string> = new Set(['audio/mpeg', 'audio/mp3', 'audio/wav', 'audio/x-wav', 'audio/*']);

/** More than any client lists; what comes behind is not read. */
const MOST_TYPES = 64;
const QUALITY = /;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)/i;

/**
 * The best-liked type that we have; the first of equals. Where there is none, or no field, the document.
 * @param tunnelled the query's `accept`, which counts instead of the header field.
 */
export const wantedBy = (header: string | undefined, tunnelled?: string): Wanted => {
  let best: Wanted = 'document';
  let bestQuality = 0;
  for (const entry of (tunnelled ?? header ?? '').split(',').slice(0, MOST_TYPES)) {
    const type = entry.split(';', 1)[0]!.trim().toLowerCase();
    const wanted = AUDIO_TYPES.has(type) ? 'audio' : DOCUMENT_TYPES.has(type) ? 'document' : undefined;
    const quality = Number(QUALITY.exec(entry)?.[1] ?? 1);
    if (wanted === undefined || quality <= bestQuality) continue;
    best = wanted;
    bestQuality = quality;
  }
  return best;
};

/** RFC 6266. @param mediaName what it is called; whatever isn't plain in it is replaced, so that it can't end the field or climb. */
export const contentDisposition = (mediaName: string, kind: 'attachment' | 'inline'): string =>
  `${kind}; filename="${mediaName.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^\.+/, '_') || 'recording'}"`;
