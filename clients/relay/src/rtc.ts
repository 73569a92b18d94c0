import { RTCPeerConnection as NodePeerConnection } from 'node-datachannel/polyfill';
import type { RtcFactory } from 'beacon-client';

/** Peer connections of libdatachannel. `bindAddress` keeps them on one of the machine's addresses. */
export function nodeRtc(bindAddress?: string): RtcFactory {
  return (configuration) => new NodePeerConnection({ ...configuration, ...(bindAddress ? { bindAddress } : {}) } as RTCConfiguration) as unknown as RTCPeerConnection;
}
