import { count, shortId } from '../format';
import type { TreePeer } from '../rest/trees';

/** More than this nobody reads. */
const MOST = 200;

/** The tree as nested lists, for who cannot see the picture: who feeds whom. */
export function TreeList({ peers, ownPeerId }: { peers: ReadonlyMap<string, TreePeer>; ownPeerId: string }) {
  const children = new Map<string, TreePeer[]>();
  for (const peer of peers.values()) {
    const siblings = children.get(peer.parentPeerId) ?? [];
    siblings.push(peer);
    children.set(peer.parentPeerId, siblings);
  }
  let left = MOST;
  const branch = (parent: string, depth: number) => {
    const fed = children.get(parent);
    // A moment of change could in theory hold a cycle; the bound keeps the page from following it for ever.
    if (!fed || depth > 64 || left <= 0) return null;
    return (
      <ul class="tree-list">
        {fed.slice(0, left).map((peer) => {
          left -= 1;
          return (
            <li key={peer.peerId} data-testid="tree-peer" data-peer-id={peer.peerId}>
              <code title={peer.peerId} class={peer.peerId === ownPeerId ? 'own' : ''}>
                {shortId(peer.peerId)}
              </code>
              <span class="soft">
                {peer.parentPeerId ? '' : ' broadcaster'} {peer.children}/{peer.slots}
              </span>
              {branch(peer.peerId, depth + 1)}
            </li>
          );
        })}
      </ul>
    );
  };
  return (
    <div data-testid="tree">
      {branch('', 0)}
      {peers.size > MOST && <p class="soft small">{count(peers.size - MOST, 'more peer')}; the picture has them all.</p>}
    </div>
  );
}
