/** A manifest with something in each of its fields. */
import type { Manifest, ManifestLeg } from '../../src/finalize/manifest.ts';
import { emptyTally } from '../../src/spool/journal-record.ts';

const LEG: ManifestLeg = {
  codecs: ['PCMU/8000'],
  ssrcs: ['0000abcd'],
  packets: emptyTally(),
  drift_ppm: -12.5,
  gaps: [{ start_ms: 100, duration_ms: 20 }],
  gaps_total_ms: 20,
  undecoded_ms: 0,
  redacted: [{ start_ms: 1, duration_ms: 2 }],
};

export const sampleManifest = (): Manifest => ({
  version: 1,
  recording: {
    id: `202601-${'0123456789abcdef'.repeat(2)}`,
    call_id: 'c1',
    media_name: 'call.wav',
    origin: 'no origin',
    label: 'Zoë "paid" \\ by card 😀',
    started_at: '2026-01-15T09:30:00.000Z',
    ended_at: '2026-01-15T09:30:04.000Z',
    end_reason: 'hangup',
    call_duration_ms: 4000,
  },
  artefact: {
    format: 'wav',
    sample_rate: 8000,
    channels: 2,
    samples: 32_000,
    duration_ms: 4000,
    bytes: 128_044,
    sha256: 'ab'.repeat(32),
    encoder: 'pcm_s16le',
  },
  masks: [
    {
      start_ms: 1000,
      end_ms: 2500,
      start_sample: 8000,
      end_sample: 20_000,
      mode: 'silence',
      artefact: { start_ms: 1000, end_ms: 2500, start_sample: 8000, end_sample: 20_000 },
      lookback_ms: 0,
      trigger: { kind: 'dtmf', leg: 'b' },
      asked_at: '2026-01-15T09:30:01.000Z',
      effective_at: '2026-01-15T09:30:01.000Z',
      unmask_trigger: { kind: 'api', by: 'k1' },
      unmask_asked_at: null,
      frames_withheld: { a: 75, b: 76 },
    },
  ],
  legs: { a: LEG, b: { ...LEG, gaps: [], redacted: [] } },
  gaps_omitted: 0,
  recovered: false,
  audit: { account_id: 'acme', entry: 12, hash: 'cd'.repeat(32) },
  signature: null,
});
