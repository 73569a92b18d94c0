import { useState } from 'preact/hooks';
import { Icon } from '../design/Icon';

interface Props {
  text: string;
  /** Of what is copied. */
  name: string;
  /** Stands on the button; without it there is a small glyph alone. */
  label?: string;
}

export function CopyButton({ text, name, label = '' }: Props) {
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
    <button class={label ? 'quiet' : 'plain'} type="button" onClick={() => void copy()} {...(label ? {} : { 'aria-label': `Copy ${name}` })} title={`Copy ${name}`}>
      <Icon name="copy" size={16} />
      <span role="status">{copied ? 'Copied' : label}</span>
    </button>
  );
}
