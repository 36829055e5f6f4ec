/** The kernel that is used: the native one where it is there. */
import type { BlockKernel } from './block-kernel.ts';
import { nativeKernel } from './native-kernel.ts';
import { nativeModule } from './native-module.ts';
import { portableKernel } from './portable-kernel.ts';

export const kernel: BlockKernel = nativeModule === undefined ? portableKernel : nativeKernel(nativeModule);
