/** The modules as they ship: from the build, by the names of their sources, so that what runs the benchmark doesn't change what it runs. */

type Built = {
  'app/capture-feed': typeof import('../../../src/app/capture-feed.ts');
  'app/live/announced-leg': typeof import('../../../src/app/live/announced-leg.ts');
  'app/live/live-calls': typeof import('../../../src/app/live/live-calls.ts');
  'app/live-call': typeof import('../../../src/app/live-call.ts');
  'app/sealed-journals': typeof import('../../../src/app/sealed-journals.ts');
  'call/call': typeof import('../../../src/call/call.ts');
  'core/clock': typeof import('../../../src/core/clock.ts');
  'finalize/assemble': typeof import('../../../src/finalize/assemble.ts');
  'finalize/decoders': typeof import('../../../src/finalize/decoders.ts');
  'finalize/encoder-choice': typeof import('../../../src/finalize/encoder-choice.ts');
  'finalize/finalize-recording': typeof import('../../../src/finalize/finalize-recording.ts');
  'finalize/lockstep': typeof import('../../../src/finalize/lockstep.ts');
  'finalize/pool': typeof import('../../../src/finalize/pool.ts');
  'finalize/survey': typeof import('../../../src/finalize/survey.ts');
  'ingest/capture/capture-reader': typeof import('../../../src/ingest/capture/capture-reader.ts');
  'ingest/survey/plan-capture': typeof import('../../../src/ingest/survey/plan-capture.ts');
  'ingest/survey/survey': typeof import('../../../src/ingest/survey/survey.ts');
  'ingest/rtp/dgram-receiver': typeof import('../../../src/ingest/rtp/dgram-receiver.ts');
  'ingest/rtp/native-receiver': typeof import('../../../src/ingest/rtp/native-receiver.ts');
  'ingest/rtp/payload-codecs': typeof import('../../../src/ingest/rtp/payload-codecs.ts');
  'ingest/rtp/port-pool': typeof import('../../../src/ingest/rtp/port-pool.ts');
  'ingest/rtp/rtp-endpoint': typeof import('../../../src/ingest/rtp/rtp-endpoint.ts');
  'kernel/native-module': typeof import('../../../src/kernel/native-module.ts');
  'kernel/resampler': typeof import('../../../src/kernel/resampler.ts');
  'media/rtp-packet': typeof import('../../../src/media/rtp-packet.ts');
  'media/wire-codec': typeof import('../../../src/media/wire-codec.ts');
  'spool/journal-cursor': typeof import('../../../src/spool/journal-cursor.ts');
  'spool/journal-source': typeof import('../../../src/spool/journal-source.ts');
  'spool/journal-writer': typeof import('../../../src/spool/journal-writer.ts');
  'spool/seal/seal-key': typeof import('../../../src/spool/seal/seal-key.ts');
};

export const built = async <K extends keyof Built>(name: K): Promise<Built[K]> =>
  (await import(new URL(`../../../dist/${name}.js`, import.meta.url).href)) as Built[K];
