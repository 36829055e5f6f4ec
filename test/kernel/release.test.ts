/** Memory that is given back: gone where there is a native kernel, there as it was where there is none or where others lie in it. */
import { createCipheriv } from 'node:crypto';
import { expect, test } from 'vitest';
import { nativeModule } from '../../src/kernel/native-module.ts';
import { release } from '../../src/kernel/release.ts';

const enciphered = (bytes: number): Buffer =>
  createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12)).update(Buffer.alloc(bytes));

for (const { name, bytes } of [
  { name: 'what a cipher gave', bytes: enciphered(65_536) },
  { name: 'a buffer of its own', bytes: Buffer.allocUnsafeSlow(100) },
  { name: 'an array', bytes: new Uint8Array(7) },
]) {
  test(`${name} is empty once it is released, every view of it too, and may be released again`, () => {
    const view = new DataView(bytes.buffer);
    const { length } = bytes;
    release(bytes);
    expect(bytes.length).toBe(nativeModule === undefined ? length : 0);
    expect(bytes.buffer.byteLength).toBe(nativeModule === undefined ? length : 0);
    if (nativeModule !== undefined) expect(() => view.getUint8(0)).toThrow(TypeError);
    release(bytes);
  });
}

for (const { name, bytes } of [
  { name: "a part of Node's pool", bytes: Buffer.from('in the pool') },
  { name: 'the first part of a buffer', bytes: Buffer.alloc(20).subarray(0, 19) },
  { name: 'the last part of a buffer', bytes: Buffer.alloc(20).subarray(1) },
  { name: 'memory that threads share', bytes: new Uint8Array(new SharedArrayBuffer(8)) },
]) {
  test(`${name} stays as it is`, () => {
    const before = Buffer.from(bytes);
    release(bytes);
    expect(Buffer.compare(bytes, before)).toBe(0);
  });
}

test.skipIf(nativeModule === undefined)('anything else than bytes is refused (native kernel)', () => {
  for (const wrong of [undefined, 'text', new ArrayBuffer(8), new Float64Array(1)])
    expect(() => nativeModule!.release(wrong as unknown as Uint8Array)).toThrow(TypeError);
});
