import type { BeaconApi } from 'beacon-client';
import { useEffect, useState } from 'preact/hooks';
import { dateTime, shortId } from '../../format';
import { Facts } from '../../parts/Facts';
import { Problem } from '../../parts/Problem';
import { explain, type Explanation } from '../../rest/trees';
import type { LiveTree } from '../../tree/liveTree';

const REASONS: Record<string, string> = {
  joined: 'It got this place when it joined.',
  parent_left: 'Its former parent left.',
  parent_degraded: 'Its former parent fell behind and was drained.',
  preempted: 'A stronger peer took its former place and is its parent now.',
  lifted: 'A place nearer to the broadcaster came free.',
  resumed: 'It came back after its connection was lost.',
};

const VERDICTS: Record<string, string> = {
  evicted: 'failed it a short time ago',
  below_itself: 'is fed by it',
  deeper: 'deeper',
  reserved: 'its free slot is kept for a standby',
  less_spare_uplink: 'less uplink to spare',
  slower: 'slower to reach',
  in_a_fuller_branch: 'in a fuller branch',
  other_region: 'in another region',
  came_later: 'came later',
  came_free_later: 'came free later',
};

const HEALTHS: Record<string, [name: string, kind: string]> = {
  PEER_HEALTH_GOOD: ['good', 'good'],
  PEER_HEALTH_DEGRADED: ['degraded', 'warn'],
  PEER_HEALTH_ORPHANED: ['without a parent', 'bad'],
};

interface Props {
  api: BeaconApi;
  streamId: string;
  stripe: number;
  peerId: string;
  tree: LiveTree;
  revision: number;
  onSelect: (peerId: string) => void;
}

/** Why a peer stands where it stands, in words: asked anew when it moves. */
export function PeerExplanation({ api, streamId, stripe, peerId, tree, onSelect }: Props) {
  const [explanation, setExplanation] = useState<Explanation>();
  const [problem, setProblem] = useState<unknown>();
  const parentPeerId = tree.peers.get(peerId)?.parentPeerId ?? '';
  const isRoot = peerId !== '' && parentPeerId === '' && tree.peers.get(peerId)?.depth === 0;

  useEffect(() => {
    setProblem(undefined);
    setExplanation((last) => (last?.peer.peerId === peerId ? last : undefined));
    if (!peerId) return;
    let left = false;
    explain(api, streamId, peerId, stripe).then(
      (answer) => left || setExplanation(answer),
      (cause: unknown) => left || setProblem(cause),
    );
    return () => void (left = true);
  }, [peerId, parentPeerId, stripe]);

  if (!peerId) {
    return (
      <aside class="card" data-testid="explanation">
        <h2>Why is it there?</h2>
        <p class="soft small">Click a peer, or go through the tree with the arrow keys, to see why it has its parent and which others there were.</p>
      </aside>
    );
  }
  const peer = tree.peers.get(peerId) ?? explanation?.peer;
  const [health, kind] = HEALTHS[peer?.health ?? ''] ?? ['unknown', ''];
  const link = (id: string) =>
    id ? (
      <button class="plain" onClick={() => onSelect(id)}>
        <code>{shortId(id)}</code>
      </button>
    ) : (
      '–'
    );
  return (
    <aside class="card" data-testid="explanation" aria-live="polite">
      <h2>
        Peer <code title={peerId}>{shortId(peerId)}</code> <span class={`badge ${kind}`}>{health}</span>
      </h2>
      {problem !== undefined && <Problem cause={problem} />}
      {peer && (
        <Facts
          facts={[
            { name: 'Depth', testId: 'peer-depth', value: peer.depth },
            { name: 'Parent', testId: 'peer-parent', value: link(peer.parentPeerId) },
            { name: 'Standby', testId: 'peer-standby', value: link(peer.standbyPeerId) },
            { name: 'Feeds', testId: 'peer-children', value: `${peer.children} of ${peer.slots} slots` },
            { name: 'Uplink', testId: 'peer-uplink', value: `${peer.uplinkMbps.toFixed(1)} Mbit/s` },
            { name: 'Round trip', testId: 'peer-latency', value: `${Math.round(peer.latencyMs)} ms` },
          ]}
        />
      )}
      {isRoot && <p class="small">The broadcaster: the tree begins here.</p>}
      {!explanation && problem === undefined && <p class="soft small">Asking …</p>}
      {explanation && !isRoot && (
        <>
          <p class="small" data-testid="peer-reason">
            {REASONS[explanation.reason] ?? explanation.reason}{' '}
            {explanation.decidedAt && <span class="soft">Decided {dateTime(explanation.decidedAt)}.</span>}
          </p>
          {explanation.candidates.length > 0 && (
            <div class="scroll" tabIndex={0} role="region" aria-label="Possible parents">
              <table>
                <caption class="unseen">Possible parents as they stand now, best first</caption>
                <thead>
                  <tr>
                    <th scope="col">Parent</th>
                    <th scope="col" class="figure">
                      Depth
                    </th>
                    <th scope="col" class="figure">
                      Free
                    </th>
                    <th scope="col">Verdict</th>
                  </tr>
                </thead>
                <tbody>
                  {explanation.candidates.slice(0, 12).map((candidate) => (
                    <tr key={candidate.peerId}>
                      <td>{link(candidate.peerId)}</td>
                      <td class="figure">{candidate.depth}</td>
                      <td class="figure">{candidate.spareSlots}</td>
                      <td>{candidate.chosen ? <strong>chosen</strong> : (VERDICTS[candidate.verdict] ?? candidate.verdict)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
    </aside>
  );
}
