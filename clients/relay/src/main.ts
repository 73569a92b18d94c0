#!/usr/bin/env node
import { BeaconError } from 'beacon-client';
import { Donor } from './donor';
import { readOptions, USAGE, UsageError } from './options';
import { nodeRtc } from './rtc';

const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`);

try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) console.log(USAGE);
  else {
    const donor = new Donor({ ...options, rtc: nodeRtc(options.bindAddress), log });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => donor.stop());
    await donor.run();
    donor.stop();
  }
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else console.error(`${BeaconError.from(error).reason}: ${BeaconError.from(error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// Native threads of the WebRTC library would keep the process alive.
process.exit();
