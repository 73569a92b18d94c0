import type { TreePeer } from '../src/rest/trees';

export const peer = (peerId: string, parentPeerId: string, more: Partial<TreePeer> = {}): TreePeer => ({
  peerId,
  parentPeerId,
  standbyPeerId: '',
  depth: parentPeerId ? 1 : 0,
  slots: 2,
  children: 0,
  uplinkMbps: 5,
  latencyMs: 20,
  health: 'PEER_HEALTH_GOOD',
  ...more,
});

export const asMap = (peers: TreePeer[]) => new Map(peers.map((one) => [one.peerId, one]));

/** A full tree in which everybody has so many children. */
export function fullTree(size: number, fanOut: number): Map<string, TreePeer> {
  return asMap(Array.from({ length: size }, (_, index) => peer(`peer-${index}`, index === 0 ? '' : `peer-${Math.floor((index - 1) / fanOut)}`)));
}
