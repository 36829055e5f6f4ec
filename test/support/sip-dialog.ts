/** The signalling of one plain two-party call, INVITE to BYE (RFC 3261 §24.2, SDP offer and answer of RFC 3264). Pure text. */

export type Peer = {
  /** User part and name: `alice`, `Alice`. */
  readonly user: string;
  readonly name: string;
  /** Address of both signalling and media. */
  readonly host: string;
  readonly rtpPort: number;
};

export type Dialog = {
  readonly callId: string;
  readonly caller: Peer;
  readonly callee: Peer;
  /** rtpmap by payload type, in order of preference. */
  readonly codecs: ReadonlyMap<number, string>;
  readonly ptimeMs: number;
  /** Who hangs up. */
  readonly hangsUp: 'caller' | 'callee';
};

export type DialogTimes = {
  readonly inviteUs: number;
  readonly ringingUs: number;
  readonly answerUs: number;
  readonly byeUs: number;
};

export type SipMessage = { readonly atUs: number; readonly from: 'caller' | 'callee'; readonly text: string };

const DOMAIN = 'example.com';

const sdpOf = (peer: Peer, { codecs, ptimeMs }: Dialog): string =>
  [
    'v=0',
    `o=${peer.user} 2890844526 2890844526 IN IP4 ${peer.host}`,
    's=-',
    `c=IN IP4 ${peer.host}`,
    't=0 0',
    `m=audio ${peer.rtpPort} RTP/AVP ${[...codecs.keys()].join(' ')}`,
    ...[...codecs].map(([payloadType, rtpmap]) => `a=rtpmap:${payloadType} ${rtpmap}`),
    ...[...codecs].filter(([, map]) => map.startsWith('telephone-event')).map(([type]) => `a=fmtp:${type} 0-15`),
    `a=ptime:${ptimeMs}`,
    'a=sendrecv',
    '',
  ].join('\r\n');

/** The dialog's messages in order of time. */
export const sipDialog = (dialog: Dialog, times: DialogTimes): SipMessage[] => {
  const { caller, callee, callId } = dialog;
  const address = (peer: Peer, tag: string): string => `"${peer.name}" <sip:${peer.user}@${DOMAIN}>${tag}`;
  const callerTagged = address(caller, ';tag=caller1');
  const calleeTagged = address(callee, ';tag=callee1');
  const contact = (peer: Peer): string => `<sip:${peer.user}@${peer.host}:5060>`;

  const message = (first: string, fields: readonly (readonly [string, string])[], sdp = ''): string => {
    const body = sdp === '' ? [] : ([['Content-Type', 'application/sdp']] as const);
    const all = [...fields, ...body, ['Content-Length', String(Buffer.byteLength(sdp))] as const];
    return `${[first, ...all.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')}${sdp}`;
  };
  const common = (via: Peer, branch: string, from: string, to: string, cseq: string): [string, string][] => [
    ['Via', `SIP/2.0/UDP ${via.host}:5060;branch=z9hG4bK${branch};rport`],
    ['From', from],
    ['To', to],
    ['Call-ID', callId],
    ['CSeq', cseq],
  ];
  const invite = (to: string): [string, string][] => common(caller, 'invite1', callerTagged, to, '1 INVITE');
  const ender = dialog.hangsUp === 'caller' ? caller : callee;
  const other = dialog.hangsUp === 'caller' ? callee : caller;
  const bye =
    dialog.hangsUp === 'caller'
      ? common(caller, 'bye1', callerTagged, calleeTagged, '2 BYE')
      : common(callee, 'bye1', calleeTagged, callerTagged, '1 BYE');
  const forwards = ['Max-Forwards', '70'] as const;
  const calleeAddress = address(callee, '');

  return [
    {
      atUs: times.inviteUs,
      from: 'caller',
      text: message(
        `INVITE sip:${callee.user}@${DOMAIN} SIP/2.0`,
        [
          ...invite(calleeAddress),
          forwards,
          ['Contact', contact(caller)],
          ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS'],
        ],
        sdpOf(caller, dialog),
      ),
    },
    { atUs: times.inviteUs + 4_000, from: 'callee', text: message('SIP/2.0 100 Trying', invite(calleeAddress)) },
    {
      atUs: times.ringingUs,
      from: 'callee',
      text: message('SIP/2.0 180 Ringing', [...invite(calleeTagged), ['Contact', contact(callee)]]),
    },
    {
      atUs: times.answerUs,
      from: 'callee',
      text: message('SIP/2.0 200 OK', [...invite(calleeTagged), ['Contact', contact(callee)]], sdpOf(callee, dialog)),
    },
    {
      atUs: times.answerUs + 9_000,
      from: 'caller',
      text: message(`ACK sip:${callee.user}@${callee.host}:5060 SIP/2.0`, [
        ...common(caller, 'ack1', callerTagged, calleeTagged, '1 ACK'),
        forwards,
      ]),
    },
    {
      atUs: times.byeUs,
      from: dialog.hangsUp,
      text: message(`BYE sip:${other.user}@${other.host}:5060 SIP/2.0`, [...bye, forwards]),
    },
    {
      atUs: times.byeUs + 6_000,
      from: ender === caller ? 'callee' : 'caller',
      text: message('SIP/2.0 200 OK', bye),
    },
  ];
};
