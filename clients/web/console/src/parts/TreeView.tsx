import type { Tree, TreePeer } from 'beacon-client';
import { shortId } from '../format';

interface Props {
  tree: Tree;
  ownPeerId: string;
}

/** The stream's tree as nested lists: who feeds whom. */
export function TreeView({ tree, ownPeerId }: Props) {
  const children = new Map<string, TreePeer[]>();
  for (const peer of tree.peers) {
    const parent = peer.parentPeerId ?? '';
    children.set(parent, [...(children.get(parent) ?? []), peer]);
  }
  const branch = (parent: string, depth: number) => {
    const peers = children.get(parent);
    // A snapshot could in theory hold a cycle; the bound keeps the page from following it forever.
    if (!peers || depth > 64) return null;
    return (
      <ul class="tree">
        {peers.map((peer) => (
          <li key={peer.peerId} data-testid="tree-peer" data-peer-id={peer.peerId}>
            <code title={peer.peerId} class={peer.peerId === ownPeerId ? 'own' : ''}>
              {shortId(peer.peerId)}
            </code>
            <span class="muted">
              {peer.parentPeerId ? '' : ' broadcaster'} {peer.children ?? 0}/{peer.slots ?? 0}
            </span>
            {branch(peer.peerId, depth + 1)}
          </li>
        ))}
      </ul>
    );
  };
  return (
    <div data-testid="tree" aria-label="Relay tree">
      {branch('', 0)}
      {tree.waitingPeerIds.length > 0 && <p class="muted">{tree.waitingPeerIds.length} waiting for a slot</p>}
    </div>
  );
}
