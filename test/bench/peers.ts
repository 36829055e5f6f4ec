/** Which other programs this machine has, in which version; asked once. */
import { execFile } from 'node:child_process';
import { built } from './loops/built.ts';

export const CAPABILITIES = [
  'ffmpeg',
  'ffmpeg with libmp3lame',
  'lame',
  'sox',
  'sox with mp3',
  'gstreamer',
  'gstreamer with lamemp3enc',
  'rtpengine',
  // Ours, where it is built and not turned off, and what it opens.
  'native kernel',
  'native libmp3lame',
] as const;

/** What a pipeline of two legs of PCMU to a wav is made of. */
const GSTREAMER_ELEMENTS = 'udpsrc rtpjitterbuffer rtppcmudepay mulawdec interleave audioconvert wavenc';

export type Capability = (typeof CAPABILITIES)[number];

export type Peers = {
  readonly has: ReadonlySet<Capability>;
  /** By program. */
  readonly versions: Readonly<Record<string, string>>;
};

export const findPeers = async (): Promise<Peers> => {
  const has = new Set<Capability>();
  const versions: Record<string, string> = {};
  const [ffmpeg, encoders, lame, sox, soxFormats, gstreamer, elements, mp3Element, rtpengine] = await Promise.all([
    answer('ffmpeg', '-version'),
    answer('ffmpeg', '-hide_banner', '-encoders'),
    answer('lame', '--version'),
    answer('sox', '--version'),
    answer('sox', '--help'),
    answer('gst-launch-1.0', '--version'),
    answer('sh', '-c', `for each in ${GSTREAMER_ELEMENTS}; do gst-inspect-1.0 "$each" || exit; done`),
    answer('sh', '-c', 'gst-inspect-1.0 lamemp3enc && gst-inspect-1.0 capssetter'),
    answer('rtpengine', '--version'),
  ]);
  const found = (capability: Capability, program: string, text: string | undefined, version: RegExp): void => {
    if (text === undefined) return;
    has.add(capability);
    versions[program] = version.exec(text)?.[1] ?? 'unknown version';
  };
  found('ffmpeg', 'ffmpeg', ffmpeg, /^ffmpeg version (\S+)/);
  found('lame', 'lame', lame, /version (\S+)/);
  found('sox', 'sox', sox, /v(\d\S*)/);
  found('rtpengine', 'rtpengine', rtpengine, /(\d\S*)/);
  if (elements !== undefined) found('gstreamer', 'gstreamer', gstreamer, /version (\S+)/);
  if (elements !== undefined && mp3Element !== undefined) has.add('gstreamer with lamemp3enc');
  if (encoders !== undefined && /\blibmp3lame\b/.test(encoders)) has.add('ffmpeg with libmp3lame');
  if (soxFormats !== undefined && /^AUDIO FILE FORMATS:.*\bmp3\b/m.test(soxFormats)) has.add('sox with mp3');
  const { nativeModule } = await built('kernel/native-module');
  if (nativeModule !== undefined) has.add('native kernel');
  const library = nativeModule?.mp3Library();
  if (library !== undefined) {
    has.add('native libmp3lame');
    versions['native kernel'] = `with ${library}`;
  } else versions['native kernel'] = nativeModule === undefined ? 'none' : 'without libmp3lame';
  return { has, versions };
};

/** What the program prints; undefined when there is no such program or it fails. */
const answer = (program: string, ...args: string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) =>
      resolve(error ? undefined : stdout + stderr),
    );
  });
