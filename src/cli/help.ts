/** `record-call help`. A test holds it against what the commands take. */
export const HELP = `record-call: records calls and keeps what is masked out of the recording

  record-call replay CAPTURE… [options]    captures in, masked recordings out
      --metaflows FILE   the digits in the capture start, mask, unmask and stop (Kazoo's document)
      --holder a|b       whose metaflows they are: the caller's or the callee's; default both
      --data JSON        record_call fields, such as '{"format":"wav","mask_mode":"tone"}'
      --mask A-B         mask from second A to second B of the recording; may be repeated
      --redact-tones     keep audible key tones out as well, outside masks too
      --out DIR          where recordings go; default ./recordings
      --url URL          deliver each to this target
      --speed max|N      as fast as it goes (default), or N times real time
      --json             print the recordings' documents
  record-call verify ARTEFACT [MANIFEST] [--json]
                                           is it what its manifest says, and silent where masked?
  record-call send CAPTURE --to HOST:PORT[,HOST:PORT] [--speed max|N]
                                           plays a call's RTP as a media server would, leg a to the
                                           first address and leg b to the second
  record-call target [--port N] [--host H] [--dir DIR] [--fail LIST]
                                           an upload target to try things with; LIST names faults
                                           for the first requests, such as 503,reset,slow
  record-call doctor [--json]              what this machine has and lacks
  record-call demo [--out DIR]             the sample call, from its capture to its upload
  record-call help | version

Exit status: 0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record.
`;
