import type { TreeMessage, TreePeer, TreeQuality } from '../rest/trees';

/** What happened in a tree since it was asked last. */
export interface Happenings {
  joined: number;
  left: number;
  /** Moves after the loss of a parent: `parent_left`, `parent_degraded`. */
  healed: number;
  /** Other moves: `preempted`, `lifted`. */
  improved: number;
}

export const NOTHING_HAPPENED: Happenings = { joined: 0, left: 0, healed: 0, improved: 0 };

const HEALING: ReadonlySet<string> = new Set(['parent_left', 'parent_degraded']);

/** A tree as its live changes tell it. */
export class LiveTree {
  peers = new Map<string, TreePeer>();
  quality: TreeQuality | undefined;
  waiting = 0;
  ended = false;
  /** Grows whenever something is to be drawn anew. */
  revision = 0;
  #arriving: Map<string, TreePeer> | undefined = new Map();
  #happenings: Happenings = { ...NOTHING_HAPPENED };

  /** Forget: a whole tree follows. What is known is shown until it is there. */
  restart(): void {
    this.#arriving = new Map();
  }

  apply(message: TreeMessage): void {
    if (message.snapshot) {
      const { peers, more, quality, waiting } = message.snapshot;
      const arriving = (this.#arriving ??= new Map());
      for (const peer of peers) arriving.set(peer.peerId, peer);
      if (more) return;
      this.peers = arriving;
      this.#arriving = undefined;
      this.quality = quality;
      this.waiting = waiting;
      this.revision += 1;
    } else if (message.changes) {
      for (const change of message.changes.changes) this.#change(change.kind, change.peer as TreePeer, change.reason ?? '');
      this.quality = message.changes.quality ?? this.quality;
      this.waiting = message.changes.waiting;
      this.revision += 1;
    } else if (message.resync) {
      this.restart();
    } else if (message.ended) {
      this.ended = true;
      this.revision += 1;
    }
  }

  takeHappenings(): Happenings {
    const happened = this.#happenings;
    this.#happenings = { ...NOTHING_HAPPENED };
    return happened;
  }

  #change(kind: string, peer: TreePeer, reason: string): void {
    if (kind === 'TREE_CHANGE_KIND_LEFT') {
      this.peers.delete(peer.peerId);
      this.#happenings.left += 1;
      return;
    }
    this.peers.set(peer.peerId, peer);
    if (kind === 'TREE_CHANGE_KIND_JOINED') this.#happenings.joined += 1;
    else if (kind === 'TREE_CHANGE_KIND_MOVED' && peer.parentPeerId) this.#happenings[HEALING.has(reason) ? 'healed' : 'improved'] += 1;
  }
}
