import { useState } from 'preact/hooks';
import type { Account } from '../../app/account';
import { Avatar } from '../../design/Avatar';
import { Icon } from '../../design/Icon';
import { count, since } from '../../format';
import type { PlacedStream } from './places';
import { Preview } from './Preview';

interface Props {
  stream: PlacedStream;
  account: Account | undefined;
  nowMs: number;
  onTag: (tag: string) => void;
}

export function StreamCard({ stream, account, nowMs, onTag }: Props) {
  const [wanted, setWanted] = useState(false);
  const { streamId, channel, title, tags = [], language, squadAccountIds = [], viewers = 0, spareSlots = 0, over = false } = stream;
  return (
    <li
      class={over ? 'stream over' : 'stream'}
      onPointerEnter={(event) => event.pointerType === 'mouse' && setWanted(true)}
      onPointerLeave={() => setWanted(false)}
      onFocusCapture={() => setWanted(true)}
      onBlurCapture={() => setWanted(false)}
    >
      <a class="stream-link" href={`/watch/${streamId}`} data-testid="stream" data-stream-id={streamId}>
        <span class="stream-picture">
          <Preview streamId={streamId} channel={channel} wanted={wanted && !over} account={account} />
          {over ? <span class="badge">OVER</span> : <span class="badge live">LIVE</span>}
          <span class="stream-age badge">{since(stream.startedAt, nowMs)}</span>
        </span>
        <span class="stream-text">
          <Avatar of={channel} name={channel} />
          <span>
            <strong class="stream-title">{title}</strong>
            <span class="stream-figures">
              <span>
                <Icon name="eye" size={15} /> {count(viewers, 'viewer')}
              </span>
              <span class={spareSlots === 0 ? 'full' : ''} title="Places for newcomers">
                <Icon name="relay" size={15} /> {spareSlots === 0 ? 'no room now' : `room for ${spareSlots.toLocaleString('en')}`}
              </span>
            </span>
          </span>
        </span>
      </a>
      <div class="stream-more">
        <a class="small" href={`/channel/${encodeURIComponent(channel)}?about=1`}>
          {channel}
        </a>
        {language && <span class="badge">{language}</span>}
        {squadAccountIds.length > 1 && (
          <span class="badge credit" title={squadAccountIds.join(', ')} data-testid="squad">
            squad of {squadAccountIds.length}
          </span>
        )}
        {tags.map((tag) => (
          <button key={tag} class="plain small" onClick={() => onTag(tag)} aria-label={`Only streams with the tag ${tag}`}>
            #{tag}
          </button>
        ))}
      </div>
    </li>
  );
}
