import type { Bytes } from '../chunks/header';

/** The decoder configuration as it travels in chunks: WebCodecs' own, with the codec's private bytes in base64. */
interface WireConfig {
  codec: string;
  codedWidth?: number;
  codedHeight?: number;
  sampleRate?: number;
  numberOfChannels?: number;
  description?: string;
}

export function encodeVideoConfig(config: VideoDecoderConfig): Bytes {
  const { codec, codedWidth, codedHeight, description } = config;
  return encode({
    codec,
    ...(codedWidth === undefined ? {} : { codedWidth }),
    ...(codedHeight === undefined ? {} : { codedHeight }),
    ...(description ? { description: toBase64(description) } : {}),
  });
}

export function encodeAudioConfig(config: AudioDecoderConfig): Bytes {
  const { codec, sampleRate, numberOfChannels, description } = config;
  // Opus packets decode without their identification header, which would cost a newcomer bytes in every group.
  return encode({ codec, sampleRate, numberOfChannels, ...(description && codec !== 'opus' ? { description: toBase64(description) } : {}) });
}

export function decodeVideoConfig(bytes: Uint8Array): VideoDecoderConfig | undefined {
  const config = decode(bytes);
  if (!config) return undefined;
  const { codec, codedWidth, codedHeight, description } = config;
  return {
    codec,
    ...(codedWidth ? { codedWidth } : {}),
    ...(codedHeight ? { codedHeight } : {}),
    ...(description ? { description: fromBase64(description) } : {}),
    // A live picture is worth more now than a smooth one later.
    optimizeForLatency: true,
  };
}

export function decodeAudioConfig(bytes: Uint8Array): AudioDecoderConfig | undefined {
  const config = decode(bytes);
  if (!config?.sampleRate || !config.numberOfChannels) return undefined;
  const { codec, sampleRate, numberOfChannels, description } = config;
  return { codec, sampleRate, numberOfChannels, ...(description ? { description: fromBase64(description) } : {}) };
}

function encode(config: WireConfig): Bytes {
  return new TextEncoder().encode(JSON.stringify(config));
}

function decode(bytes: Uint8Array): WireConfig | undefined {
  try {
    const config = JSON.parse(new TextDecoder().decode(bytes)) as WireConfig;
    return typeof config.codec === 'string' ? config : undefined;
  } catch {
    return undefined;
  }
}

function toBase64(source: AllowSharedBufferSource): string {
  const bytes = ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
