/** What a stream turns out to be, and what its payload types stand for: judged once, when the whole capture has been seen. Pure. */
import type { WireCodec } from '../../media/wire-codec.ts';
import type { LeftOut } from '../plan.ts';
import { type CodecInterner, CodecTable, SdpCodecs } from './codec-table.ts';
import { formatPath } from './flow.ts';
import { correctLinear, type Guess, guessCodec, isEncrypted } from './guess-codec.ts';
import type { PayloadProfile } from './payload-profile.ts';
import type { Piece } from './piece.ts';
import type { Signalling } from './signalling.ts';
import type { Track } from './track.ts';

export type Verdict = {
  /** `events`: telephone-events without audio. `noise`: comfort noise and nothing else. `useless`: see `leftOut`. */
  readonly kind: 'audio' | 'events' | 'noise' | 'useless';
  readonly codecs: CodecTable;
  /** The whole stream when it is useless, else those of its payload types that are. */
  readonly leftOut: readonly LeftOut[];
};

const CUT = "every packet was cut by the capture's snaplen; capture again with snaplen 0";
const ENCRYPTED = 'encrypted; forward plain RTP to the recorder, or capture where the media is decrypted';
const TOO_FEW = 'too few packets to tell it from noise, and no SDP names its payload type';
const ONLY_AUDIO = 'only audio is recorded';

export const judge = (piece: Piece, signalling: Signalling, interner: CodecInterner): Verdict => {
  const { track, binding } = piece;
  const sdp = binding && new SdpCodecs(binding.call, binding.leg, track.flow);
  const codecs = new CodecTable(interner);
  const what = (name: string, packets: number, why: string): LeftOut => ({
    what: name,
    path: formatPath(track.flow),
    packets,
    why,
  });
  const useless = (name: string, why: string): Verdict => {
    return { kind: 'useless', codecs, leftOut: [what(name, piece.packets, why)] };
  };

  if (track.cut >= track.packets) return useless('RTP', CUT);
  const changes = sdp?.timesUs.filter((atUs) => atUs > piece.firstUs && atUs < piece.lastUs) ?? [];
  const encrypted = [piece.firstUs, ...changes].map((atUs) => sdp?.isSecureAt(atUs) === true);
  if (encrypted.every(Boolean)) return useless('SRTP', ENCRYPTED);
  const kinds = binding === undefined ? new Set<string>() : signalling.kindsOf(track.flow);
  if (kinds.size > 0 && !kinds.has('audio')) return useless([...kinds].join(', '), ONLY_AUDIO);

  const profiles = track.profiles.filter(({ firstUs, lastUs }) => firstUs <= piece.lastUs && lastUs >= piece.firstUs);
  const guesses = profiles.map((profile) => ({ profile, guess: guessOf(profile, sdp, piece) }));
  const clock = clockOf(guesses) ?? clockBeside(track) ?? 8000;
  const leftOut: LeftOut[] = [];
  if (encrypted.some(Boolean)) leftOut.push(what('SRTP, in a part of the stream', 0, ENCRYPTED));
  const packets = { audio: 0, events: 0, noise: 0, srtp: 0 };
  for (const { profile, guess } of guesses) {
    if (guess.kind === 'srtp') packets.srtp += profile.packets;
    if (guess.kind === 'video') leftOut.push(what(`video (${guess.name})`, profile.packets, ONLY_AUDIO));
    if (guess.kind === 'unknown') {
      leftOut.push(what(`RTP payload type ${profile.payloadType}`, profile.packets, guess.why));
    }
    if (guess.kind !== 'codec') continue;
    const guessed = isEvents(guess.codec) && sdp === undefined ? { ...guess.codec, clockRate: clock } : guess.codec;
    const times = sdp === undefined || sdp.timesUs.length === 0 ? [0] : sdp.timesUs;
    codecs.set(profile.payloadType, times, (atUs) => {
      if (sdp?.isSecureAt(atUs)) return undefined;
      const described = sdp?.codecAt(profile.payloadType, atUs);
      return described === undefined ? guessed : correctLinear(profile, described);
    });
    if (isAudio(guess.codec)) packets.audio += profile.packets;
    else if (isEvents(guess.codec)) packets.events += profile.packets;
    else packets.noise += profile.packets;
  }
  if (packets.srtp > packets.audio) return useless('SRTP', ENCRYPTED);
  if (packets.audio > 0) return { kind: 'audio', codecs, leftOut };
  if (packets.events > 0) return { kind: 'events', codecs, leftOut };
  if (packets.noise > 0) return { kind: 'noise', codecs, leftOut };
  return { kind: 'useless', codecs, leftOut };
};

const isEvents = ({ name }: WireCodec): boolean => name === 'TELEPHONE-EVENT';

const isAudio = (codec: WireCodec): boolean => !isEvents(codec) && codec.name !== 'CN';

/** SDP first; even then, packets that are all longer than their time by a tag are encrypted. */
const guessOf = (profile: PayloadProfile, sdp: SdpCodecs | undefined, piece: Piece): Guess => {
  const from = Math.max(profile.firstUs, piece.firstUs);
  const described = sdp?.codecAt(profile.payloadType, from);
  if (described === undefined) return piece.track.proven ? guessCodec(profile) : { kind: 'unknown', why: TOO_FEW };
  return isEncrypted(profile, described) ? { kind: 'srtp' } : { kind: 'codec', codec: described };
};

type Judged = { readonly profile: PayloadProfile; readonly guess: Guess };

/** Telephone-events run on the clock of the audio they interrupt (RFC 4733 §2.1). */
const clockOf = (judged: readonly Judged[]): number | undefined => {
  let clock: number | undefined;
  let most = 0;
  for (const { profile, guess } of judged) {
    if (guess.kind !== 'codec' || !isAudio(guess.codec) || profile.packets <= most) continue;
    most = profile.packets;
    clock = guess.codec.clockRate;
  }
  return clock;
};

/** Some gateways send events under an SSRC of their own, beside the audio. */
const clockBeside = ({ flow }: Track): number | undefined =>
  clockOf(
    [...flow.tracks.values()].flatMap(({ profiles }) =>
      profiles.map((profile) => ({ profile, guess: guessCodec(profile) })),
    ),
  );
