import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CaptureReader } from '../../../src/ingest/capture/capture-reader.ts';
import type { Datagram } from '../../../src/ingest/datagram.ts';
import type { SipCall } from '../../../src/ingest/sip/call.ts';
import { SipDialogs } from '../../../src/ingest/sip/dialogs.ts';
import { pcapFile, tcpPacket } from '../../support/pcap-file.ts';
import { scratchDir } from '../../support/scratch.ts';
import { sipDialog } from '../../support/sip-dialog.ts';
import { ANN, BOB, pcmu, request, response, sdp, tcp, udp } from './conversation.ts';

/** `A` and `B` name who sends; the time is the row's number in ms unless given. */
type Step = readonly [from: 'A' | 'B', text: string, atMs?: number];

const callOf = (...steps: readonly Step[]): SipCall => {
  const dialogs = new SipDialogs();
  steps.forEach(([from, text, atMs], index) => {
    const [source, target] = from === 'A' ? [ANN, BOB] : [BOB, ANN];
    expect(dialogs.push(udp(text, (atMs ?? index) * 1000, source, target))).toBe(true);
  });
  expect([...dialogs.calls.keys()]).toEqual(['c1']);
  return dialogs.calls.get('c1')!;
};

const times = ({ invitedAtUs, answeredAtUs, endedAtUs }: SipCall): (number | undefined)[] =>
  [invitedAtUs, answeredAtUs, endedAtUs].map((us) => (us === undefined ? undefined : us / 1000));

/** `3 caller 192.0.2.10:4000 sendrecv 0=PCMU`: since when in ms, whose, where, how. */
const lines = (call: SipCall): string[] =>
  call.media.map(({ sinceUs, owner, address, port, kind, direction, secure, held, codecs }) => {
    const names = [...codecs].map(([type, { name }]) => `${type}=${name}`).join(',');
    const what = [
      kind === 'audio' ? '' : kind,
      direction === 'sendrecv' ? '' : direction,
      secure ? 'secure' : '',
      held ? 'held' : '',
    ];
    return [`${sinceUs / 1000} ${owner} ${address}:${port}`, ...what, names].filter((word) => word !== '').join(' ');
  });

const A0 = pcmu(ANN, 4000);
const B0 = pcmu(BOB, 5000);
const INVITE: Step = ['A', request('INVITE', { sdp: A0 }), 0];
const OK: Step = ['B', response(200, 'INVITE', { toTag: 'b', sdp: B0 }), 10];
const ACK: Step = ['A', request('ACK', { toTag: 'b' }), 11];
const ANSWERED = [INVITE, OK, ACK];
const START = [`0 caller ${ANN}:4000 0=PCMU`, `10 callee ${BOB}:5000 0=PCMU`];

describe('who, and when', () => {
  test('the parties are those of the first INVITE', () => {
    const call = callOf(...ANSWERED);
    expect(call.from).toEqual({ name: 'Ann', address: '+4570100200@example.net', number: '+4570100200' });
    expect(call.to).toEqual({ name: '', address: 'bob@example.org', number: '' });
  });

  test('an anonymous caller is who the network says it is', () => {
    const invite = INVITE[1].replace(/From: [^;]*/, 'From: Anonymous <sip:anonymous@anonymous.invalid>');
    const asserted = invite.replace('CSeq:', 'P-Asserted-Identity: "Ann" <sip:+4570100200@net>\r\nCSeq:');
    expect(callOf(['A', asserted]).from).toEqual({ name: 'Ann', address: '+4570100200@net', number: '+4570100200' });
    expect(callOf(['A', invite]).from).toEqual({
      name: 'Anonymous',
      address: 'anonymous@anonymous.invalid',
      number: '',
    });
  });

  const early = (status: number, toTag = 'b') => response(status, 'INVITE', { toTag });
  const bye = (fromTag: string, toTag: string, cseq = 2) => request('BYE', { fromTag, toTag, cseq });
  for (const { name, steps, expected } of [
    { name: 'ringing, not answered yet', steps: [INVITE, ['B', early(180)]], expected: [0, undefined, undefined] },
    { name: 'answered; the first 2xx counts', steps: [...ANSWERED, ['B', OK[1], 500]], expected: [0, 10, undefined] },
    {
      name: 'the caller hangs up; the first BYE counts',
      steps: [
        ...ANSWERED,
        ['A', bye('a', 'b'), 90],
        ['A', bye('a', 'b'), 95],
        ['B', response(200, 'BYE', { toTag: 'b', cseq: 2 }), 96],
      ],
      expected: [0, 10, 90],
    },
    { name: 'the callee hangs up', steps: [...ANSWERED, ['B', bye('b', 'a'), 90]], expected: [0, 10, 90] },
    {
      name: 'only the 200 to BYE was captured',
      steps: [...ANSWERED, ['B', response(200, 'BYE', { toTag: 'b', cseq: 2 }), 96]],
      expected: [0, 10, 96],
    },
    {
      name: 'BYE of a call the other side has lost',
      steps: [...ANSWERED, ['B', response(481, 'BYE', { toTag: 'b', cseq: 2 }), 96]],
      expected: [0, 10, 96],
    },
    {
      name: 'a 2xx that is repeated after BYE',
      steps: [...ANSWERED, ['A', bye('a', 'b'), 90], ['B', OK[1], 91]],
      expected: [0, 10, 90],
    },
    {
      name: 'cancelled',
      steps: [
        INVITE,
        ['A', request('CANCEL'), 50],
        ['B', response(200, 'CANCEL', { toTag: 'b' }), 51],
        ['B', early(487), 52],
      ],
      expected: [0, undefined, 50],
    },
    {
      name: 'cancelled, a 180 still under way',
      steps: [INVITE, ['A', request('CANCEL'), 50], ['B', early(180), 51]],
      expected: [0, undefined, 50],
    },
    {
      name: 'answered while the CANCEL was under way',
      steps: [INVITE, ['A', request('CANCEL'), 5], OK, ACK, ['A', bye('a', 'b'), 20]],
      expected: [0, 10, 20],
    },
    { name: 'refused', steps: [INVITE, ['B', early(486), 30], ['B', early(486), 35]], expected: [0, undefined, 30] },
    {
      name: 'refused; a 180 of the same branch comes late',
      steps: [INVITE, ['B', early(486), 30], ['B', early(180), 31]],
      expected: [0, undefined, 30],
    },
    {
      name: 'refused; the INVITE is retransmitted late',
      steps: [INVITE, ['B', early(486), 30], ['A', INVITE[1], 31]],
      expected: [0, undefined, 30],
    },
    {
      name: 'challenged, then answered',
      steps: [
        INVITE,
        ['B', early(407, 'proxy'), 2],
        ['A', request('INVITE', { cseq: 2, sdp: A0 }), 4],
        ['B', response(200, 'INVITE', { cseq: 2, toTag: 'b', sdp: B0 }), 9],
      ],
      expected: [0, 9, undefined],
    },
    {
      name: 'challenged, then tried with another tag',
      steps: [INVITE, ['B', early(401, 'proxy'), 2], ['A', request('INVITE', { fromTag: 'a2', sdp: A0 }), 4]],
      expected: [0, undefined, undefined],
    },
    {
      name: 'one branch refuses, another still rings',
      steps: [INVITE, ['B', early(180, 'b1')], ['B', early(486, 'b1'), 5], ['B', early(180, 'b2'), 6]],
      expected: [0, undefined, undefined],
    },
    {
      name: 'one branch refuses, another answers',
      steps: [INVITE, ['B', early(486, 'b1'), 5], ['B', early(200, 'b2'), 6]],
      expected: [0, 6, undefined],
    },
    {
      name: 'two branches answer; the caller hangs up on one',
      steps: [INVITE, ['B', early(200, 'b1'), 5], ['B', early(200, 'b2'), 6], ['A', bye('a', 'b1'), 7]],
      expected: [0, 5, undefined],
    },
    {
      name: 'two branches answer; both are hung up',
      steps: [
        INVITE,
        ['B', early(200, 'b1'), 5],
        ['B', early(200, 'b2'), 6],
        ['A', bye('a', 'b1'), 7],
        ['B', bye('b2', 'a'), 80],
      ],
      expected: [0, 5, 80],
    },
    {
      name: 'a refused re-INVITE does not end the call',
      steps: [
        ...ANSWERED,
        ['B', request('INVITE', { fromTag: 'b', toTag: 'a', cseq: 7 }), 20],
        ['A', response(488, 'INVITE', { fromTag: 'b', toTag: 'a', cseq: 7 }), 21],
      ],
      expected: [0, 10, undefined],
    },
    {
      name: 'a cancelled re-INVITE does not end the call',
      steps: [
        ...ANSWERED,
        ['A', request('INVITE', { toTag: 'b', cseq: 2 }), 20],
        ['A', request('CANCEL', { toTag: 'b', cseq: 2 }), 21],
      ],
      expected: [0, 10, undefined],
    },
    {
      name: 'capture began with a re-INVITE that is refused',
      steps: [
        ['A', request('INVITE', { toTag: 'b', cseq: 9 }), 20],
        ['B', response(491, 'INVITE', { toTag: 'b', cseq: 9 }), 21],
      ],
      expected: [20, undefined, undefined],
    },
    { name: 'capture began with the 200', steps: [OK, ACK], expected: [10, 10, undefined] },
    { name: 'capture began with the BYE', steps: [['B', bye('b', 'a'), 90]], expected: [90, undefined, 90] },
  ] as { name: string; steps: Step[]; expected: unknown[] }[]) {
    test(name, () => expect(times(callOf(...steps))).toEqual(expected));
  }
});

describe('media', () => {
  const hold = (address: string) => pcmu(address, 4000, 'a=sendonly');
  const reinvite = (cseq: number, description: string): string =>
    request('INVITE', { toTag: 'b', cseq, sdp: description });
  const reply = (status: number, cseq: number, description = ''): string =>
    response(status, 'INVITE', { toTag: 'b', cseq, sdp: description });
  // The callee's requests have the tags the other way round.
  const calleeRequest = (method: string, cseq: number, description = '') =>
    request(method, { fromTag: 'b', toTag: 'a', cseq, sdp: description });
  const callerReply = (status: number, method: string, cseq: number, description = '') =>
    response(status, method, { fromTag: 'b', toTag: 'a', cseq, sdp: description });

  for (const { name, steps, expected } of [
    { name: 'offer and answer', steps: ANSWERED, expected: START },
    {
      name: 'retransmissions add nothing',
      steps: [
        INVITE,
        ['A', INVITE[1], 1],
        ['B', reply(183, 1, B0), 5],
        ['B', reply(183, 1, B0), 6],
        ['B', reply(200, 1, B0), 10],
        ['B', reply(200, 1, B0), 12],
        ACK,
      ],
      expected: [START[0], `5 callee ${BOB}:5000 0=PCMU`],
    },
    {
      name: 'early media, then another address in the answer',
      steps: [INVITE, ['B', reply(183, 1, pcmu('203.0.113.5', 7000)), 5], OK, ACK],
      expected: [START[0], '5 callee 203.0.113.5:7000 0=PCMU', START[1]],
    },
    {
      name: 'delayed offer: SDP in the 200 and the ACK',
      steps: [['A', request('INVITE'), 0], OK, ['A', request('ACK', { toTag: 'b', sdp: A0 }), 11]],
      expected: [START[1], `11 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'delayed offer in a reliable 183, answered by PRACK',
      steps: [
        ['A', request('INVITE'), 0],
        ['B', reply(183, 1, B0), 5],
        ['A', request('PRACK', { toTag: 'b', cseq: 2, sdp: A0 }), 6],
        ['B', response(200, 'PRACK', { toTag: 'b', cseq: 2 }), 7],
      ],
      expected: [`5 callee ${BOB}:5000 0=PCMU`, `6 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'UPDATE before the answer, then a 200 that repeats the old description',
      steps: [
        INVITE,
        ['B', reply(183, 1, B0), 5],
        ['A', request('UPDATE', { toTag: 'b', cseq: 2, sdp: pcmu(ANN, 4002) }), 6],
        ['B', response(200, 'UPDATE', { toTag: 'b', cseq: 2, sdp: pcmu(BOB, 5002) }), 7],
        ['B', reply(200, 1, B0), 10],
      ],
      expected: [START[0], `5 callee ${BOB}:5000 0=PCMU`, `6 caller ${ANN}:4002 0=PCMU`, `7 callee ${BOB}:5002 0=PCMU`],
    },
    {
      name: 're-INVITE by the callee to G.722 on a new port',
      steps: [
        ...ANSWERED,
        ['B', calleeRequest('INVITE', 1, sdp(BOB, 'audio 5010 RTP/AVP 9')), 50],
        ['A', callerReply(200, 'INVITE', 1, sdp(ANN, 'audio 4010 RTP/AVP 9')), 60],
        ['B', calleeRequest('ACK', 1), 61],
      ],
      expected: [...START, `50 callee ${BOB}:5010 9=G722`, `60 caller ${ANN}:4010 9=G722`],
    },
    {
      name: 'delayed offer in a re-INVITE by the callee',
      steps: [
        ...ANSWERED,
        ['B', calleeRequest('INVITE', 1), 50],
        ['A', callerReply(200, 'INVITE', 1, pcmu(ANN, 4010)), 60],
        ['B', calleeRequest('ACK', 1, pcmu(BOB, 5010)), 61],
      ],
      expected: [...START, `60 caller ${ANN}:4010 0=PCMU`, `61 callee ${BOB}:5010 0=PCMU`],
    },
    {
      name: 'hold and resume by direction',
      steps: [
        ...ANSWERED,
        ['A', reinvite(2, hold(ANN)), 50],
        ['B', reply(200, 2, pcmu(BOB, 5000, 'a=recvonly')), 51],
        ['A', reinvite(3, A0), 70],
        ['B', reply(200, 3, B0), 71],
      ],
      expected: [
        ...START,
        `50 caller ${ANN}:4000 sendonly 0=PCMU`,
        `51 callee ${BOB}:5000 recvonly 0=PCMU`,
        `70 caller ${ANN}:4000 0=PCMU`,
        `71 callee ${BOB}:5000 0=PCMU`,
      ],
    },
    {
      name: 'hold by address 0.0.0.0, resume without a new version',
      steps: [
        ...ANSWERED,
        ['A', reinvite(2, pcmu('0.0.0.0', 4000)), 50],
        ['B', reply(200, 2, B0), 51],
        ['A', reinvite(3, A0), 70],
      ],
      expected: [...START, '50 caller 0.0.0.0:4000 held 0=PCMU', `70 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'a session refresh adds nothing, a late retransmission of an old answer neither',
      steps: [
        ...ANSWERED,
        ['A', reinvite(2, A0.replace('o=- 1 1', 'o=- 1 2')), 50],
        ['B', reply(200, 2, B0), 51],
        ['A', reinvite(3, hold(ANN)), 60],
        ['A', INVITE[1], 61],
        ['A', reinvite(2, A0), 62],
      ],
      expected: [...START, `60 caller ${ANN}:4000 sendonly 0=PCMU`],
    },
    {
      name: 'a refused re-INVITE to T.38 restores the audio',
      steps: [
        ...ANSWERED,
        ['B', calleeRequest('INVITE', 1, sdp(BOB, 'image 5000 udptl t38')), 50],
        ['A', callerReply(488, 'INVITE', 1), 55],
        ['B', calleeRequest('INVITE', 2, sdp(BOB, 'image 5000 udptl t38')), 60],
        ['A', callerReply(200, 'INVITE', 2, sdp(ANN, 'image 4000 udptl t38')), 61],
      ],
      expected: [
        ...START,
        `50 callee ${BOB}:5000 image`,
        `55 callee ${BOB}:5000 0=PCMU`,
        `60 callee ${BOB}:5000 image`,
        `61 caller ${ANN}:4000 image`,
      ],
    },
    {
      name: 'a call that is refused after two early descriptions restores nothing',
      steps: [INVITE, ['B', reply(183, 1, B0), 5], ['B', reply(183, 1, pcmu(BOB, 5002)), 6], ['B', reply(480, 1), 7]],
      expected: [START[0], `5 callee ${BOB}:5000 0=PCMU`, `6 callee ${BOB}:5002 0=PCMU`],
    },
    {
      name: 'an UPDATE that is refused before the answer restores what held',
      steps: [
        INVITE,
        ['B', reply(183, 1, B0), 5],
        ['A', request('UPDATE', { toTag: 'b', cseq: 2, sdp: pcmu(ANN, 4002) }), 6],
        ['B', response(491, 'UPDATE', { toTag: 'b', cseq: 2 }), 7],
      ],
      expected: [START[0], `5 callee ${BOB}:5000 0=PCMU`, `6 caller ${ANN}:4002 0=PCMU`, `7 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'what a refusal restores is as secure as it was settled',
      steps: [
        ['A', request('INVITE', { sdp: `${A0}a=crypto:1 A_B inline:x\r\n` }), 0],
        OK,
        ACK,
        ['A', reinvite(2, pcmu(ANN, 4002)), 50],
        ['B', reply(488, 2), 51],
      ],
      expected: [...START, `50 caller ${ANN}:4002 0=PCMU`, `51 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'a cancelled re-INVITE restores what held',
      steps: [
        ...ANSWERED,
        ['A', reinvite(2, pcmu(ANN, 4002)), 50],
        ['A', request('CANCEL', { toTag: 'b', cseq: 2 }), 51],
        ['B', response(200, 'CANCEL', { toTag: 'b', cseq: 2 }), 52],
        ['B', reply(487, 2), 53],
      ],
      expected: [...START, `50 caller ${ANN}:4002 0=PCMU`, `53 caller ${ANN}:4000 0=PCMU`],
    },
    {
      name: 'the refusal of one branch takes nothing back from the branch that answered',
      steps: [
        INVITE,
        ['B', reply(183, 1, pcmu(BOB, 5002)), 5],
        OK,
        ['B', response(486, 'INVITE', { toTag: 'b2' }), 11],
      ],
      expected: [START[0], `5 callee ${BOB}:5002 0=PCMU`, START[1]],
    },
    {
      name: 'the capabilities in a refusal are no answer',
      steps: [INVITE, ['B', reply(488, 1, pcmu(BOB, 1)), 5]],
      expected: [START[0]],
    },
    {
      name: 'several lines, one refused',
      steps: [
        ['A', request('INVITE', { sdp: sdp(ANN, 'audio 4000 RTP/AVP 0', 'a=label:1', 'm=video 4002 RTP/AVP 34') }), 0],
        ['B', reply(200, 1, sdp(BOB, 'audio 5000 RTP/AVP 0', 'm=video 0 RTP/AVP 34')), 10],
      ],
      expected: [START[0], `0 caller ${ANN}:4002 video 34=H263`, START[1], `10 callee ${BOB}:0 video 34=H263`],
    },
    {
      name: 'a forked call has entries for each branch, the same address included',
      steps: [
        INVITE,
        ...['b1', 'b2'].map((toTag, index): Step => ['B', response(183, 'INVITE', { toTag, sdp: B0 }), 5 + index]),
        ['B', response(200, 'INVITE', { toTag: 'b2', sdp: B0 }), 10],
      ],
      expected: [START[0], `5 callee ${BOB}:5000 0=PCMU`, `6 callee ${BOB}:5000 0=PCMU`],
    },
    {
      name: 'capture began after the INVITE',
      steps: [
        OK,
        ACK,
        ['B', calleeRequest('INVITE', 1, pcmu(BOB, 5010)), 50],
        ['A', callerReply(200, 'INVITE', 1, pcmu(ANN, 4010)), 60],
      ],
      expected: [START[1], `50 callee ${BOB}:5010 0=PCMU`, `60 caller ${ANN}:4010 0=PCMU`],
    },
    {
      name: 'keys under a plain profile, answered plainly: plain RTP',
      steps: [['A', request('INVITE', { sdp: `${A0}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n` }), 0], OK, ACK],
      expected: START,
    },
    {
      name: 'keys under a plain profile, answered with keys: secure',
      steps: [
        ['A', request('INVITE', { sdp: `${A0}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n` }), 0],
        ['B', reply(200, 1, `${B0}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:y\r\n`), 10],
      ],
      expected: [`0 caller ${ANN}:4000 secure 0=PCMU`, `10 callee ${BOB}:5000 secure 0=PCMU`],
    },
    {
      name: 'branches that disagree about keys: secure',
      steps: [
        ['A', request('INVITE', { sdp: `${A0}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n` }), 0],
        ['B', response(183, 'INVITE', { toTag: 'b1', sdp: `${B0}a=crypto:1 A_B inline:y\r\n` }), 5],
        ['B', response(183, 'INVITE', { toTag: 'b2', sdp: B0 }), 6],
      ],
      expected: [
        `0 caller ${ANN}:4000 secure 0=PCMU`,
        `5 callee ${BOB}:5000 secure 0=PCMU`,
        `6 callee ${BOB}:5000 0=PCMU`,
      ],
    },
  ] as { name: string; steps: Step[]; expected: string[] }[]) {
    test(name, () => expect(lines(callOf(...steps))).toEqual(expected));
  }

  test('entries tell their m= line and label', () => {
    const offer = sdp(ANN, 'audio 4000 RTP/AVP 0', 'a=label:one', 'm=audio 4002 RTP/AVP 0', 'a=label:two');
    expect(callOf(['A', request('INVITE', { sdp: offer })]).media).toMatchObject([
      { line: 0, label: 'one', port: 4000, protocol: 'RTP/AVP', kind: 'audio' },
      { line: 1, label: 'two', port: 4002 },
    ]);
  });

  describe('through a proxy, each message captured on both hops', () => {
    const PROXY = '203.0.113.1';
    const play = (rewrite: (text: string) => string) => {
      const dialogs = new SipDialogs();
      const messages: readonly (readonly [string, 'A' | 'B'])[] = [
        [INVITE[1], 'A'],
        [OK[1], 'B'],
        [reinvite(2, hold(ANN)), 'A'],
        [reply(200, 2, pcmu(BOB, 5000, 'a=recvonly')), 'B'],
        [reinvite(3, A0), 'A'],
        [reply(200, 3, B0), 'B'],
        [reinvite(4, A0.replace('o=- 1 1', 'o=- 1 9')), 'A'],
      ];
      messages.forEach(([text, from], index) => {
        const [first, last] = from === 'A' ? [ANN, BOB] : [BOB, ANN];
        dialogs.push(udp(text, index * 10_000, first, PROXY));
        dialogs.push(udp(rewrite(text), index * 10_000 + 1000, PROXY, last));
      });
      return lines(dialogs.calls.get('c1')!);
    };

    test('that leaves the SDP alone: one entry each', () => {
      expect(play((text) => text)).toHaveLength(6);
    });

    test('that puts its own addresses in: an entry per hop', () => {
      const rewrite = (text: string) => text.replace(/c=IN IP4 \S+/, `c=IN IP4 ${PROXY}`);
      const entries = play(rewrite);
      expect(entries).toHaveLength(12);
      expect(entries.slice(0, 4)).toEqual([
        START[0],
        `1 caller ${PROXY}:4000 0=PCMU`,
        START[1],
        `11 callee ${PROXY}:5000 0=PCMU`,
      ]);
    });

    test('a refused offer is withdrawn on both', () => {
      const dialogs = new SipDialogs();
      const both = (text: string, atMs: number, [first, last]: readonly [string, string]) => {
        dialogs.push(udp(text, atMs * 1000, first, PROXY));
        dialogs.push(udp(text, atMs * 1000 + 500, PROXY, last));
      };
      const t38 = sdp(ANN, 'image 4000 udptl t38');
      both(INVITE[1], 0, [ANN, BOB]);
      both(OK[1], 10, [BOB, ANN]);
      both(reinvite(2, t38), 20, [ANN, BOB]);
      both(reply(488, 2), 30, [BOB, ANN]);
      both(reinvite(3, t38), 40, [ANN, BOB]);
      expect(lines(dialogs.calls.get('c1')!)).toEqual([
        ...START,
        `20 caller ${ANN}:4000 image`,
        `30 caller ${ANN}:4000 0=PCMU`,
        `40 caller ${ANN}:4000 image`,
      ]);
    });
  });

  test('a B2BUA that keeps the Call-ID: its own INVITE is the caller side as well', () => {
    const second = { fromTag: 'x9', toTag: '' };
    const call = callOf(
      INVITE,
      ['A', request('INVITE', { ...second, sdp: pcmu('203.0.113.1', 6000) }), 1],
      ['B', response(200, 'INVITE', { fromTag: 'x9', toTag: 'b9', sdp: B0 }), 10],
      ['B', request('BYE', { fromTag: 'b9', toTag: 'x9' }), 90],
    );
    expect(lines(call)).toEqual([START[0], '1 caller 203.0.113.1:6000 0=PCMU', START[1]]);
    expect(times(call)).toEqual([0, 10, 90]);
  });

  test('a thousand re-INVITEs are bounded', () => {
    const call = callOf(
      ...ANSWERED,
      ...Array.from({ length: 1000 }, (_, index): Step => ['A', reinvite(index + 2, pcmu(ANN, 6000 + index))]),
    );
    expect(call.media).toHaveLength(512);
  });
});

describe('SipDialogs', () => {
  test('calls stand in order of appearance; other transactions make none', () => {
    const dialogs = new SipDialogs();
    for (const [method, callId] of [
      ['REGISTER', 'r'],
      ['INVITE', 'second'],
      ['OPTIONS', 'o'],
      ['SUBSCRIBE', 's'],
      ['INVITE', 'first'],
      ['MESSAGE', 'm'],
      ['BYE', 'second'],
    ] as const) {
      expect(dialogs.push(udp(request(method, { callId }), 1))).toBe(true);
      expect(dialogs.push(udp(response(200, method, { callId }), 1))).toBe(true);
    }
    expect([...dialogs.calls.keys()]).toEqual(['second', 'first']);
  });

  test('digits inside INFO leave no trace', () => {
    const dialogs = new SipDialogs();
    dialogs.push(udp(INVITE[1], 0));
    const before = JSON.stringify([...dialogs.calls.values()].map((call) => ({ ...call, media: call.media })));
    const body = 'Signal=7\r\nDuration=160\r\nv=0\r\nm=audio 7777 RTP/AVP 0\r\n';
    for (const type of ['application/dtmf-relay', 'application/dtmf', 'application/sdp']) {
      const info = `INFO sip:b@x SIP/2.0\r\nFrom: <sip:7777@x>;tag=a\r\nTo: <sip:b@x>;tag=b\r\nCall-ID: c1\r\nCSeq: 5 INFO\r\nContent-Type: ${type}\r\n\r\n${body}`;
      expect(dialogs.push(udp(info, 1))).toBe(true);
    }
    expect(JSON.stringify([...dialogs.calls.values()].map((call) => ({ ...call, media: call.media })))).toBe(before);
  });

  for (const { name, text } of [
    { name: 'no Call-ID', text: INVITE[1].replace(/Call-ID.*\r\n/, '') },
    { name: 'an endless Call-ID', text: INVITE[1].replace('Call-ID: c1', `Call-ID: ${'c'.repeat(600)}`) },
    { name: 'no CSeq', text: INVITE[1].replace(/CSeq.*\r\n/, '') },
    { name: 'a CSeq without number', text: INVITE[1].replace('CSeq: 1', 'CSeq: one') },
    { name: 'neither From nor To', text: INVITE[1].replace(/From.*\r\n/, '').replace(/To:.*\r\n/, '') },
  ]) {
    test(`${name}: SIP, but no call`, () => {
      const dialogs = new SipDialogs();
      expect(dialogs.push(udp(text, 1))).toBe(true);
      expect(dialogs.calls.size).toBe(0);
    });
  }

  test('media datagrams are not SIP', () => {
    const dialogs = new SipDialogs();
    expect(dialogs.push(udp(Buffer.from([0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 255]), 1))).toBe(false);
    expect(dialogs.push(udp(Buffer.alloc(0), 1))).toBe(false);
  });

  test('a cut INVITE still tells its first media line', () => {
    const dialogs = new SipDialogs();
    const text = INVITE[1].replace('m=audio 4000 RTP/AVP 0', 'm=audio 4000 RTP/AVP 0\r\nm=audio 40');
    dialogs.push(
      udp(text.slice(0, text.indexOf('m=audio 40', text.indexOf('m=audio 4000') + 5) + 10), 0, ANN, BOB, true),
    );
    expect(lines(dialogs.calls.get('c1')!)).toEqual([START[0]]);
  });

  test('nothing is kept of a payload that the reader overwrites', () => {
    const dialogs = new SipDialogs();
    const datagram = udp(INVITE[1], 0);
    dialogs.push(datagram);
    datagram.payload.fill(0x58);
    expect(lines(dialogs.calls.get('c1')!)).toEqual([START[0]]);
  });

  test('more calls than are followed are counted, not kept', () => {
    const dialogs = new SipDialogs();
    for (let call = 0; call < 50_010; call++) dialogs.push(udp(request('BYE', { callId: `c${call}` }), call));
    expect(dialogs.calls.size).toBe(50_000);
    expect(dialogs.ignoredMessages).toBe(10);
    dialogs.push(udp(response(200, 'BYE', { callId: 'c3' }), 1));
    expect(dialogs.ignoredMessages).toBe(10);
  });

  test('a plain dialog, INVITE to BYE', () => {
    const dialogs = new SipDialogs();
    const caller = { user: '1001', name: 'Alice', host: ANN, rtpPort: 4000 };
    const callee = { user: '1002', name: 'Bob', host: BOB, rtpPort: 5000 };
    const codecs = new Map([
      [0, 'PCMU/8000'],
      [101, 'telephone-event/8000'],
    ]);
    const dialog = { callId: 'plain', caller, callee, codecs, ptimeMs: 20, hangsUp: 'callee' } as const;
    for (const { text, atUs, from } of sipDialog(dialog, {
      inviteUs: 0,
      ringingUs: 10_000,
      answerUs: 20_000,
      byeUs: 900_000,
    })) {
      dialogs.push(udp(text, atUs, from === 'caller' ? ANN : BOB, from === 'caller' ? BOB : ANN));
    }
    const call = dialogs.calls.get('plain')!;
    expect(call).toMatchObject({ from: { name: 'Alice', number: '1001' }, to: { name: 'Bob', number: '1002' } });
    expect(times(call)).toEqual([0, 20, 900]);
    expect(lines(call)).toEqual([
      `0 caller ${ANN}:4000 0=PCMU,101=TELEPHONE-EVENT`,
      `20 callee ${BOB}:5000 0=PCMU,101=TELEPHONE-EVENT`,
    ]);
  });
});

describe('over TCP', () => {
  const conversation = [INVITE, OK, ACK, ['A', request('BYE', { toTag: 'b', cseq: 2 }), 90] as Step];
  /** Cuts each message into pieces; `arrange` may reorder or drop them. */
  const play = (size: number, arrange: (pieces: Datagram[]) => Datagram[]): SipDialogs => {
    const sequence = { A: 0xffff_ff00, B: 77 };
    const pieces = conversation.flatMap(([from, text, atMs = 0]) => {
      const ends = from === 'A' ? {} : { source: BOB, sourcePort: 5060, target: ANN, targetPort: 40_000 };
      return (text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map((piece) => {
        const segment = tcp(piece, sequence[from], atMs * 1000, ends);
        sequence[from] += piece.length;
        return segment;
      });
    });
    const dialogs = new SipDialogs();
    for (const piece of arrange(pieces)) dialogs.push(piece);
    dialogs.finish();
    return dialogs;
  };

  for (const { name, size, arrange } of [
    { name: 'whole messages', size: 10_000, arrange: (pieces: Datagram[]) => pieces },
    { name: 'one byte at a time', size: 1, arrange: (pieces: Datagram[]) => pieces },
    { name: 'each piece twice', size: 100, arrange: (pieces: Datagram[]) => pieces.flatMap((piece) => [piece, piece]) },
    {
      name: 'neighbours swapped',
      size: 64,
      arrange: ([first, ...rest]: Datagram[]) => [
        first!,
        ...rest.flatMap((piece, index) => (index % 2 ? [piece, rest[index - 1]!] : rest[index + 1] ? [] : [piece])),
      ],
    },
  ]) {
    test(`${name}: the same call as over UDP`, () => {
      const call = play(size, arrange).calls.get('c1')!;
      expect(lines(call)).toEqual(START);
      expect(times(call)).toEqual([0, 10, 90]);
    });
  }

  test('a lost piece costs its own message only', () => {
    const pieces = 64;
    const lost = play(pieces, (all) => all.filter((_, index) => index !== 2));
    const call = lost.calls.get('c1')!;
    expect(call.media.map(({ owner }) => owner)).toEqual(['callee']);
    expect(times(call).slice(1)).toEqual([10, 90]);
  });
});

test('a capture of SIP over TCP over IPv6: SDP and packets write an address alike', async () => {
  const ann = '2001:db8::a';
  const bob = '2001:db8:0:1::b';
  const offer = sdp('x', 'audio 4000 RTP/AVP 0', 'c=IN IP6 2001:0DB8:0:0:0:0:0:A');
  const text = request('INVITE', { sdp: offer });
  const ends = { source: ann, sourcePort: 40_000, target: bob, targetPort: 5060 };
  const cut = 200;
  const packets = [
    tcpPacket({ ...ends, sequence: 99, syn: true, payload: Buffer.alloc(0) }),
    tcpPacket({ ...ends, sequence: 100 + cut, payload: Buffer.from(text.slice(cut)) }),
    tcpPacket({ ...ends, sequence: 100, payload: Buffer.from(text.slice(0, cut)) }),
  ];
  const path = join(scratchDir(), 'tcp.pcap');
  writeFileSync(path, pcapFile(packets.map((data, index) => ({ atUs: 1e15 + index, data }))));
  const dialogs = new SipDialogs();
  for await (const batch of new CaptureReader(path).batches()) for (const datagram of batch) dialogs.push(datagram);
  expect(dialogs.calls.get('c1')?.media).toMatchObject([
    { sinceUs: 1e15 + 2, owner: 'caller', address: ann, port: 4000 },
  ]);
});

const CAPTURE = new URL('../../../../shared/captures/zeek/sip-wireshark.pcap', import.meta.url);
describe.skipIf(!existsSync(CAPTURE))('captures/zeek/sip-wireshark.pcap', () => {
  test('has four attempted calls, none answered', async () => {
    const dialogs = new SipDialogs();
    const arrivals: number[] = [];
    for await (const batch of new CaptureReader(fileURLToPath(CAPTURE)).batches()) {
      for (const datagram of batch) {
        expect(dialogs.push(datagram)).toBe(true);
        arrivals.push(datagram.atUs);
      }
    }
    expect(arrivals).toHaveLength(81);
    const beganUs = arrivals[0]!;
    const seconds = (us: number | undefined) => (us === undefined ? undefined : Math.round((us - beganUs) / 1e4) / 100);
    const calls = [...dialogs.calls.values()];
    expect(
      calls.map(({ callId, to, invitedAtUs, answeredAtUs, endedAtUs }) => [
        callId,
        to.number,
        ...[invitedAtUs, answeredAtUs, endedAtUs].map(seconds),
      ]),
    ).toEqual([
      ['105090259-446faf7a@192.168.1.2', '97239287044', 476.34, undefined, 510.46],
      ['85216695-42dcdb1d@192.168.1.2', '0097239287044', 660.95, undefined, 695.28],
      ['24487391-449bf2a0@192.168.1.2', '0097239287044', 1275.68, undefined, 1327.21],
      ['11894297-4432a9f8@192.168.1.2', '35104724', 1393.6, undefined, 1411.49],
    ]);
    expect(calls[3]!.from).toEqual({ name: 'arik', address: '35104723@sip.cybercity.dk', number: '35104723' });
    expect(calls.map(({ media }) => media.length)).toEqual([1, 1, 1, 2]);
    expect(lines(calls[3]!).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'caller 192.168.1.2:30000 0=PCMU,8=PCMA,97=ILBC,2=G726-32,3=GSM',
      'callee 212.242.33.36:40392 8=PCMA,0=PCMU',
    ]);
  });
});
