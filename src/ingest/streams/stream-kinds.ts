/** Every kind of stream that can be connected, by its name in `…/streams/{kind}`. To add one: a file beside this one and a row here. */
import { asteriskWebsocketKind } from './asterisk-websocket.ts';
import { audioForkKind } from './audio-fork.ts';
import { audioStreamKind } from './audio-stream.ts';
import { audiohookKind } from './audiohook.ts';
import { audiosocketKind } from './audiosocket.ts';
import { exotelKind } from './exotel.ts';
import { pcmKind } from './pcm.ts';
import { pcmTcpKind } from './pcm-tcp.ts';
import { plivoKind } from './plivo.ts';
import { rtpengineKind } from './rtpengine.ts';
import { signalwireKind } from './signalwire.ts';
import type { StreamKind } from './stream-dialect.ts';
import { telnyxKind } from './telnyx.ts';
import { twilioKind } from './twilio.ts';
import { vonageKind } from './vonage.ts';

const KINDS: readonly StreamKind[] = [
  audiosocketKind,
  asteriskWebsocketKind,
  audioForkKind,
  audioStreamKind,
  twilioKind,
  signalwireKind,
  telnyxKind,
  plivoKind,
  exotelKind,
  vonageKind,
  audiohookKind,
  pcmKind,
  pcmTcpKind,
  rtpengineKind,
];

export const STREAM_KINDS: ReadonlyMap<string, StreamKind> = new Map(KINDS.map((kind) => [kind.name, kind]));
