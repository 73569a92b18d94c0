import type { ChildView, StreamPeer } from './mesh/streamPeer';

export interface ParentStats {
  stripe: number;
  /** Who feeds this peer now. */
  parentPeerId: string | undefined;
  /** Whom the server assigned: the same, except for a moment while changing over. */
  assignedPeerId: string | undefined;
  standbyPeerId: string | undefined;
  /** Relays between the broadcaster and this peer. */
  depth: number | undefined;
}

/** A snapshot of one peer in one stream. */
export interface PeerStats {
  streamId: string;
  peerId: string;
  accountId: string;
  parents: ParentStats[];
  children: ChildView[];
  childPeerIds: string[];
  bytesReceived: number;
  bytesRelayed: number;
  malformedChunks: number;
  /** What the uplink was seen to carry, in Mbit/s; undefined while nothing ever had to wait for it. */
  measuredUplinkMbps: number | undefined;
}

export function peerStats(peer: StreamPeer, accountId: string): PeerStats {
  const children = peer.children;
  return {
    streamId: peer.streamId,
    peerId: peer.peerId,
    accountId,
    parents: peer.parents.map(({ stripe, keeper }) => ({
      stripe,
      parentPeerId: keeper.feedingPeerId,
      assignedPeerId: keeper.assigned?.peerId,
      standbyPeerId: keeper.standbyPeerId,
      depth: keeper.assigned?.depth,
    })),
    children,
    childPeerIds: children.filter(({ active }) => active).map(({ peerId }) => peerId),
    bytesReceived: peer.receipts.totalBytes,
    bytesRelayed: peer.bytesRelayed,
    malformedChunks: peer.malformedChunks,
    measuredUplinkMbps: peer.measuredUplinkMbps,
  };
}

/** The stats of a session that the server has not let in yet. */
export function noPeer(streamId: string, accountId: string): PeerStats {
  return {
    streamId,
    peerId: '',
    accountId,
    parents: [],
    children: [],
    childPeerIds: [],
    bytesReceived: 0,
    bytesRelayed: 0,
    malformedChunks: 0,
    measuredUplinkMbps: undefined,
  };
}
