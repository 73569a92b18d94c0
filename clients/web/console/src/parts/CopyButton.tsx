import { useState } from 'preact/hooks';
import { Icon } from '../design/Icon';

export function CopyButton({ text, name }: { text: string; name: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 2000);
      },
      () => undefined,
    );
  return (
    <button class="plain" type="button" onClick={() => void copy()} aria-label={`Copy ${name}`}>
      <Icon name="copy" size={16} />
      <span role="status">{copied ? 'copied' : ''}</span>
    </button>
  );
}
