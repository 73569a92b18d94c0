import { hueOf } from '../format';

/** Two people of one name are told apart by the colour, which comes from the channel or the account. */
export function Avatar({ of, name }: { of: string; name: string }) {
  return (
    <span class="avatar" style={`--hue: ${hueOf(of)}`} aria-hidden="true">
      {(name.trim()[0] ?? '?').toUpperCase()}
    </span>
  );
}
