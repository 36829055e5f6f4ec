/** The kinds of stream that have a port of their own, and the settings that say which. */
import { AppError } from '../../core/errors.ts';
import { audiosocketKind } from '../../ingest/streams/audiosocket.ts';
import { pcmTcpKind } from '../../ingest/streams/pcm-tcp.ts';
import { rtpengineKind } from '../../ingest/streams/rtpengine.ts';
import { variableOf } from '../settings.ts';
import type { StreamPorts } from '../streams/stream-ports.ts';
import type { MediaSettings } from './media-options.ts';

const KINDS = [
  [audiosocketKind, 'audiosocket_port'],
  [pcmTcpKind, 'pcm_port'],
  [rtpengineKind, 'rtpengine_port'],
] as const;

/** 0 turns a port off. @throws PORT_TAKEN, CONFIG_INVALID */
export const openStreamPorts = async (
  ports: StreamPorts,
  settings: MediaSettings,
  warn: (message: string) => void,
): Promise<void> => {
  for (const [kind, key] of KINDS) {
    if (settings[key] === 0) continue;
    try {
      await ports.open(kind, settings[key], variableOf(key));
    } catch (error) {
      // It is on unless somebody says so: a second service on the machine starts without it.
      if (!(error instanceof AppError && error.code === 'PORT_TAKEN' && key === 'audiosocket_port')) throw error;
      warn(error.message);
    }
  }
};
