import type { BeaconApi } from 'beacon-client';
import { url } from './ledger';

export interface TreePeer {
  peerId: string;
  /** Empty for the root, and for who waits. */
  parentPeerId: string;
  standbyPeerId: string;
  depth: number;
  slots: number;
  children: number;
  uplinkMbps: number;
  latencyMs: number;
  health: string;
}

/** How far the tree is from the ideal one. */
export interface TreeQuality {
  meanDepth: number;
  idealMeanDepth: number;
  maxDepth: number;
  idealMaxDepth: number;
}

export interface TreeChange {
  kind: string;
  peer: Partial<TreePeer> & { peerId: string };
  reason?: string;
}

/** A message of the live tree: exactly one of them is there. */
export interface TreeMessage {
  snapshot?: { version: string; peers: TreePeer[]; more: boolean; quality?: TreeQuality; waiting: number };
  changes?: { version: string; changes: TreeChange[]; quality?: TreeQuality; waiting: number };
  heartbeat?: { version: string };
  resync?: object;
  ended?: object;
}

export interface Candidate {
  peerId: string;
  depth: number;
  spareSlots: number;
  spareUplinkMbps: number;
  latencyMs: number;
  chosen: boolean;
  verdict: string;
}

export interface Explanation {
  peer: TreePeer;
  reason: string;
  candidates: Candidate[];
  decidedAt?: string;
}

export const watchTree = (api: BeaconApi, streamId: string, stripe: number, signal: AbortSignal) =>
  api.messages<TreeMessage>(url`/api/streams/${streamId}/tree/changes?stripe=${stripe}`, signal);

export const explain = (api: BeaconApi, streamId: string, peerId: string, stripe: number) =>
  api.call<Explanation>('GET', url`/api/streams/${streamId}/peers/${peerId}/explain?stripe=${stripe}`);
