/** The names under which applications ask for video codecs. WebCodecs' own names are taken as they are. */
export type VideoCodec = 'vp8' | 'vp9' | 'h264' | 'av1' | (string & {});

/** Levels that reach 1080p at 30 pictures a second, profiles that every decoder has. */
const NAMES: Record<string, string> = { vp8: 'vp8', vp9: 'vp09.00.40.08', h264: 'avc1.42E028', av1: 'av01.0.08M.08' };

export interface VideoShape {
  width: number;
  height: number;
  bitrateKbps: number;
}

export function videoEncoderConfig(codec: VideoCodec, { width, height, bitrateKbps }: VideoShape): VideoEncoderConfig {
  const name = NAMES[codec] ?? codec;
  return {
    codec: name,
    width,
    height,
    bitrate: bitrateKbps * 1000,
    bitrateMode: 'variable',
    latencyMode: 'realtime',
    // With its parameter sets in the stream each key frame stands alone, and no description has to travel.
    ...(name.startsWith('avc') ? { avc: { format: 'annexb' as const } } : {}),
  };
}

/** The first of the wished codecs that this browser encodes in this shape; undefined when it is none of them. */
export async function negotiateVideoCodec(
  wished: readonly VideoCodec[],
  shape: VideoShape,
  isSupported: (config: VideoEncoderConfig) => Promise<boolean> = async (config) => (await VideoEncoder.isConfigSupported(config)).supported === true,
): Promise<VideoCodec | undefined> {
  for (const codec of wished) {
    // A name that the browser cannot even read is refused by an exception.
    if (await isSupported(videoEncoderConfig(codec, shape)).catch(() => false)) return codec;
  }
  return undefined;
}
