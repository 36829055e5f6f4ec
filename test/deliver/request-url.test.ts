import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Parcel } from '../../src/deliver/parcel.ts';
import { requestUrl } from '../../src/deliver/request-url.ts';
import { plainFile } from '../../src/spool/plain-file.ts';

const bare: Parcel = {
  source: plainFile('/nowhere.mp3'),
  contentType: 'audio/mpeg',
  format: 'mp3',
  recordingId: '202001-0123456789abcdef0123456789abcdef',
  callId: 'c1',
};

/** What follows the file name when the call has told nothing but its id. */
const EMPTY =
  'from=&to=&caller_id_name=&caller_id_number=&call_id=c1&cdr_id=&interaction_id=&owner_id=&account_id=&start=&duration_ms=' +
  '&recording_id=202001-0123456789abcdef0123456789abcdef';

const name = 'call_recording_c1.mp3';

describe('the name goes where Kazoo puts it', () => {
  for (const { url, want } of [
    { url: 'http://h.example', want: `http://h.example/${name}?${EMPTY}` },
    { url: 'http://h.example/', want: `http://h.example/${name}?${EMPTY}` },
    { url: 'https://h.example:8443/in/box/', want: `https://h.example:8443/in/box/${name}?${EMPTY}` },
    { url: 'http://h.example/in//', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: '  http://h.example/in \n', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: 'http://u:p@h.example/in', want: `http://u:p@h.example/in/${name}?${EMPTY}` },
    { url: 'http://h.example/in#part', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: 'http://h.example/in#a?b=c', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: 'http://h.example/in?', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: 'http://h.example/in?&&', want: `http://h.example/in/${name}?${EMPTY}` },
    { url: 'http://h.example/in?k=v', want: `http://h.example/in?k=v&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in/?k=v', want: `http://h.example/in/?k=v&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?a=&k=v', want: `http://h.example/in?a=&k=v&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?a&k=v&', want: `http://h.example/in?a&k=v&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?sig=ab==', want: `http://h.example/in?sig=ab==&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?dir=/a/', want: `http://h.example/in?dir=/a/&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?a=b?c', want: `http://h.example/in?a=b?c&recording=${name}&${EMPTY}` },
    { url: 'http://h.example/in?k=', want: `http://h.example/in?k=${name}&${EMPTY}` },
    { url: 'http://h.example/in?a=b&file=', want: `http://h.example/in?a=b&file=${name}&${EMPTY}` },
    { url: 'http://h.example/in?k', want: `http://h.example/in?k=${name}&${EMPTY}` },
    { url: 'http://h.example/in?a=b&k', want: `http://h.example/in?a=b&k=${name}&${EMPTY}` },
    { url: 'http://h.example/in?k=#f', want: `http://h.example/in?k=${name}&${EMPTY}` },
  ]) {
    test(JSON.stringify(url), () => expect(requestUrl(url, bare)).toBe(want));
  }
});

test('all parameters stand in the order of 4.3, with Gregorian seconds and whole milliseconds', () => {
  const url = requestUrl('http://h.example', {
    ...bare,
    format: 'wav',
    callId: 'c/1@h',
    from: 'alice@realm.example',
    to: 'bob@realm.example',
    callerIdName: 'Alice & Søn',
    callerIdNumber: '+15550100',
    cdrId: '202001-c/1@h',
    interactionId: '63744',
    ownerId: 'o1',
    accountId: 'a1',
    startMs: 1_577_836_800_999,
    durationMs: 12_345.6,
  });
  expect(url).toBe(
    'http://h.example/call_recording_c%2F1%40h.wav?from=alice%40realm.example&to=bob%40realm.example' +
      '&caller_id_name=Alice%20%26%20S%C3%B8n&caller_id_number=%2B15550100&call_id=c%2F1%40h&cdr_id=202001-c%2F1%40h' +
      '&interaction_id=63744&owner_id=o1&account_id=a1&start=63745056000&duration_ms=12346' +
      '&recording_id=202001-0123456789abcdef0123456789abcdef',
  );
});

describe('everything but unreserved characters is escaped in a call id', () => {
  for (const { callId, want } of [
    { callId: '../../etc/passwd', want: '..%2F..%2Fetc%2Fpasswd' },
    { callId: "!'()*", want: '%21%27%28%29%2A' },
    { callId: 'a b', want: 'a%20b' },
    { callId: 'a?b#c&d=e', want: 'a%3Fb%23c%26d%3De' },
    { callId: 'a\r\nHost: x', want: 'a%0D%0AHost%3A%20x' },
    { callId: '100%', want: '100%25' },
    { callId: 'aA0-._~', want: 'aA0-._~' },
    { callId: '\ud800', want: '%EF%BF%BD' },
  ]) {
    test(JSON.stringify(callId), () => {
      expect(requestUrl('http://h.example', { ...bare, callId })).toContain(`/call_recording_${want}.mp3?from=`);
    });
  }
});

test('a start of 0 is a start', () => {
  expect(requestUrl('http://h.example', { ...bare, startMs: 0, durationMs: 0 })).toContain(
    '&start=62167219200&duration_ms=0&',
  );
});

test('whatever the call says, the receiver reads it back from the parameters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (callId, callerIdName) => {
      const { searchParams, pathname } = new URL(requestUrl('http://h.example/in', { ...bare, callId, callerIdName }));
      expect(searchParams.get('call_id')).toBe(callId);
      expect(searchParams.get('caller_id_name')).toBe(callerIdName);
      expect(pathname.split('/')).toHaveLength(3);
      expect(decodeURIComponent(pathname.split('/')[2]!)).toBe(`call_recording_${callId}.mp3`);
    }),
  );
});
