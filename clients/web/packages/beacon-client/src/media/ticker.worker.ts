// Timers of a hidden page fire once a second; those of a worker keep their pace, and so does the test pattern.
onmessage = ({ data }: MessageEvent<number>) => {
  setInterval(() => postMessage(0), data);
};
