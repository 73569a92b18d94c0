export type SourceKind = 'camera' | 'screen' | 'pattern';

/** What a broadcaster chooses before going live. */
export interface Form {
  source: SourceKind;
  title: string;
  bitrateKbps: number;
  maxChildren: number;
  uplinkMbps: number;
  width: number;
  height: number;
  framesPerSecond: number;
  cameraId: string;
  microphoneId: string;
  tags: string;
  language: string;
}

export interface Size {
  name: string;
  width: number;
  height: number;
  /** What such a picture needs to look good, in kbit/s. */
  bitrateKbps: number;
}

export const SIZES: readonly Size[] = [
  { name: '360p', width: 640, height: 360, bitrateKbps: 800 },
  { name: '480p', width: 854, height: 480, bitrateKbps: 1200 },
  { name: '720p', width: 1280, height: 720, bitrateKbps: 2500 },
  { name: '1080p', width: 1920, height: 1080, bitrateKbps: 4500 },
];

/** From the page's address where it says so. */
export function formOf(query: URLSearchParams, name: string): Form {
  const number = (key: string, otherwise: number) => {
    const text = query.get(key);
    return text !== null && Number.isFinite(Number(text)) ? Number(text) : otherwise;
  };
  const source = query.get('source');
  return {
    source: source === 'screen' || source === 'pattern' ? source : 'camera',
    title: query.get('title') ?? `${name}'s stream`,
    bitrateKbps: number('bitrate', 1200),
    maxChildren: number('maxChildren', 0),
    uplinkMbps: number('uplink', 10),
    width: number('width', 640),
    height: number('height', 360),
    framesPerSecond: number('fps', 30),
    cameraId: '',
    microphoneId: '',
    tags: '',
    language: '',
  };
}

/** What a person typed as tags, as the server takes them: at most 10, each of 1 to 32 letters, digits and hyphens. */
export function tagsOf(text: string): string[] {
  const tags = text
    .split(/[\s,]+/)
    .map((tag) => tag.replace(/^#/, '').toLowerCase())
    .filter((tag) => /^[\p{L}\p{N}-]{1,32}$/u.test(tag));
  return [...new Set(tags)].slice(0, 10);
}

/** Why an uplink does not carry a bitrate, or nothing: the first viewers get it from the broadcaster alone. */
export function uplinkWarning({ bitrateKbps, uplinkMbps }: Pick<Form, 'bitrateKbps' | 'uplinkMbps'>): string {
  const slots = Math.floor((uplinkMbps * 1000 * 0.8) / bitrateKbps);
  if (slots >= 2) return '';
  if (slots === 1) return 'This uplink feeds one viewer; the tree will be one deep chain at its top. Lower the bitrate to feed two.';
  return 'This uplink does not carry the bitrate to anybody. Lower the bitrate.';
}
