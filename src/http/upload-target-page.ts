/** What an upload target shows of what it received: rows for programs, a page for people. Pure; everything in the page is escaped. */
import type { Received } from './upload-target-intake.ts';

export type ListedUpload = {
  readonly stored: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly content_type: string;
  readonly method: string;
  readonly recording_id: string;
  readonly received_at: string;
};

export const listedUpload = (file: Received): ListedUpload => ({
  stored: file.name,
  bytes: file.bytes,
  sha256: file.sha256,
  content_type: file.contentType,
  method: file.method,
  recording_id: file.recordingId,
  received_at: file.receivedAt,
});

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string | number): string =>
  String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);

const row = (tag: 'td' | 'th', cells: readonly (string | number)[]): string =>
  `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;

export const uploadsPage = (uploads: readonly ListedUpload[]): string => {
  const rows = uploads.map((one) =>
    row('td', [one.received_at, one.stored, one.bytes, one.content_type, one.recording_id, one.sha256]),
  );
  const head = row('th', ['received', 'file', 'bytes', 'type', 'recording', 'SHA-256']);
  const body = rows.length === 0 ? '<p>Nothing yet.</p>' : `<table>${head}${rows.join('')}</table>`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Uploads</title><h1>Uploads received</h1>${body}</html>`;
};
