/** Makes a connection: the browser's own, or that of a WebRTC library where there is no browser. */
export type RtcFactory = (configuration: RTCConfiguration) => RTCPeerConnection;

/** What both sides of an edge need of RTCPeerConnection: candidates out, candidates in whenever they come, one closing. */
export class PeerConnection {
  readonly rtc: RTCPeerConnection;
  readonly #early: RTCIceCandidateInit[] = [];
  #closed = false;

  constructor(
    make: RtcFactory,
    iceServers: RTCIceServer[],
    onCandidate: (candidate: string) => void,
    private readonly onClosed: () => void,
  ) {
    this.rtc = make({ iceServers });
    this.rtc.onicecandidate = ({ candidate }) => onCandidate(candidate ? JSON.stringify(candidate) : '');
    this.rtc.onconnectionstatechange = () => {
      const state = this.rtc.connectionState;
      if (state === 'failed' || state === 'closed') this.close();
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  async setRemote(description: RTCSessionDescriptionInit): Promise<void> {
    await this.rtc.setRemoteDescription(description);
    for (const candidate of this.#early.splice(0)) await this.#add(candidate);
  }

  async addCandidate(candidate: string): Promise<void> {
    if (this.#closed || candidate === '') return;
    const init = JSON.parse(candidate) as RTCIceCandidateInit;
    if (this.rtc.remoteDescription) await this.#add(init);
    else if (this.#early.length < 64) this.#early.push(init);
  }

  /** Round trip of the selected candidate pair in milliseconds, undefined before it is known. */
  async roundTripMs(): Promise<number | undefined> {
    if (this.#closed) return undefined;
    let seconds: number | undefined;
    for (const report of (await this.rtc.getStats()).values()) {
      const pair = report as RTCIceCandidatePairStats;
      if (pair.type === 'candidate-pair' && pair.nominated) seconds = pair.currentRoundTripTime ?? seconds;
    }
    return seconds === undefined ? undefined : seconds * 1000;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.rtc.close();
    this.onClosed();
  }

  async #add(candidate: RTCIceCandidateInit): Promise<void> {
    try {
      await this.rtc.addIceCandidate(candidate);
    } catch {
      // It belongs to an earlier connection with the same peer (other ICE credentials), or its kind is not supported here.
    }
  }
}
