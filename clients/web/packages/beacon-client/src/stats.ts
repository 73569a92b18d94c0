import type { ChildView, StreamPeer } from './mesh/streamPeer';
import type { SignalingSocket } from './signaling/socket';

/** Who feeds this peer in one stripe. */
export interface ParentStats {
  /** The tree of the stream, from 0. */
  stripe: number;
  /** Who feeds this peer now. */
  parentPeerId: string | undefined;
  /** Whom the server assigned: the same, except for a moment while changing over. */
  assignedPeerId: string | undefined;
  /** The second parent, used when the first is lost; empty or undefined without one. */
  standbyPeerId: string | undefined;
  /** The standby is connected. */
  standbyOpen: boolean;
  /** Relays between the broadcaster and this peer. */
  depth: number | undefined;
}

/** A snapshot of one peer in one stream. */
export interface PeerStats {
  /** The stream, a UUID. */
  streamId: string;
  /** The peer, a UUID. */
  peerId: string;
  /** The account. */
  accountId: string;
  /** The trace of the latest attempt to enter the stream: name it when you report that something went wrong. */
  traceId: string;
  /** One per stripe. */
  parents: ParentStats[];
  /** The children. */
  children: ChildView[];
  /** Children that are being fed. */
  childPeerIds: string[];
  /** True chunks of the stream, from all parents. */
  bytesReceived: number;
  /** Sent to all children. */
  bytesRelayed: number;
  /** Messages that were no chunks of this stream. */
  malformedChunks: number;
  /** Chunks that playback went on without. */
  chunksMissed: number;
  /** What the uplink was seen to carry, in Mbit/s; undefined while nothing ever had to wait for it. */
  measuredUplinkMbps: number | undefined;
}

/** Whose stats they are. */
type Identity = Pick<SignalingSocket, 'accountId' | 'lastTraceId'>;

export function peerStats(peer: StreamPeer, { accountId, lastTraceId }: Identity): PeerStats {
  const children = peer.children;
  return {
    streamId: peer.streamId,
    peerId: peer.peerId,
    accountId,
    traceId: lastTraceId,
    parents: peer.parents.map(({ stripe, keeper }) => ({
      stripe,
      parentPeerId: keeper.feedingPeerId,
      assignedPeerId: keeper.assigned?.peerId,
      standbyPeerId: keeper.standbyPeerId,
      standbyOpen: keeper.standbyOpen,
      depth: keeper.assigned?.depth,
    })),
    children,
    childPeerIds: children.filter(({ active }) => active).map(({ peerId }) => peerId),
    bytesReceived: peer.receipts.totalBytes,
    bytesRelayed: peer.bytesRelayed,
    malformedChunks: peer.malformedChunks,
    chunksMissed: peer.chunksMissed,
    measuredUplinkMbps: peer.measuredUplinkMbps,
  };
}

/** The stats of a session that the server has not let in yet. */
export function noPeer(streamId: string, { accountId, lastTraceId }: Identity): PeerStats {
  return {
    streamId,
    peerId: '',
    accountId,
    traceId: lastTraceId,
    parents: [],
    children: [],
    childPeerIds: [],
    bytesReceived: 0,
    bytesRelayed: 0,
    malformedChunks: 0,
    chunksMissed: 0,
    measuredUplinkMbps: undefined,
  };
}
