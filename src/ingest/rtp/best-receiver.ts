/** The receiver that is used: the native kernel's where it is there. */
import type { Clock } from '../../core/clock.ts';
import { nativeModule } from '../../kernel/native-module.ts';
import { DgramReceiver } from './dgram-receiver.ts';
import { NativeReceiver } from './native-receiver.ts';
import type { UdpReceiver } from './udp-receiver.ts';

export const openReceiver = (clock: Clock): UdpReceiver => {
  if (nativeModule === undefined) return new DgramReceiver(clock);
  try {
    return new NativeReceiver(nativeModule, clock);
  } catch {
    // No memory for its ring, or no thread: slower is better than not at all.
    return new DgramReceiver(clock);
  }
};
