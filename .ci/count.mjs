// Counts test results for test.sh. Reads NAME.json, a report in CTRF (xunit) or in Vitest's JSON, and NAME.exit, the exit code.
//
//   node count.mjs suite DIRECTORY NAME SECONDS   prints one line; exits with 1 if the suite failed
//   node count.mjs total DIRECTORY                prints skip reasons, failures and the sum; exits with 1 on any failure
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [verb, directory, name, seconds] = process.argv.slice(2);

function read(suite) {
  const tests = testsOf(join(directory, `${suite}.json`));
  const of = (status) => tests.filter((test) => test.status === status);
  const result = { suite, passed: of('passed').length, skipped: of('skipped'), failed: of('failed') };
  const exit = Number(readFileSync(join(directory, `${suite}.exit`), 'utf8'));
  // What fails beside tests, such as the end of a fixture, is in no report.
  const log = readFileSync(join(directory, `${suite}.log`), 'utf8');
  for (const [, name, reason] of log.matchAll(/^failed (\[.+\]).*\n((?: {2,}.+\n){0,4})/gm)) result.failed.push({ name, message: reason });
  // A suite that breaks without a failed test still is a failure, and so is one that checked nothing.
  if (result.failed.length === 0 && exit !== 0)
    result.failed.push({ name: suite, message: `ended with exit code ${exit}, see ${join(directory, suite)}.log` });
  else if (result.passed + result.failed.length === 0)
    result.failed.push({ name: suite, message: 'ran nothing' });
  return result;
}

function testsOf(file) {
  if (!existsSync(file)) return [];
  try {
    return parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    return [{ name: file, status: 'failed', message: `the report cannot be read: ${error.message}` }];
  }
}

function parse(report) {
  if (report.results)
    return report.results.tests.map(({ name, status, message }) => ({ name, message, status: known(status) }));
  return report.testResults.flatMap((file) =>
    file.assertionResults.map(({ fullName, status, failureMessages }) => ({ name: fullName, message: failureMessages?.[0], status: known(status) })),
  );
}

// CTRF and Vitest have more words (pending, todo, other, disabled) for what did not run.
const known = (status) => (status === 'passed' || status === 'failed' ? status : 'skipped');

const line = ({ passed, failed, skipped }) => `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
const firstLine = (text) => text?.trim().split('\n')[0] || 'no reason given';
// An assertion says in its next lines what it found. The whole is in the suite's log.
const beginning = (text) => text?.trim().split('\n').slice(0, 8).map((part) => part.trim().slice(0, 400)).join('\n         ') || 'no reason given';

if (verb === 'suite') {
  const result = read(name);
  console.log(`${name.padEnd(34)} ${line(result)}  (${seconds} s)`);
  process.exit(result.failed.length === 0 ? 0 : 1);
}

const all = readdirSync(directory).filter((file) => file.endsWith('.exit')).map((file) => read(file.slice(0, -'.exit'.length)));
const total = {
  passed: all.reduce((sum, result) => sum + result.passed, 0),
  failed: all.flatMap((result) => result.failed),
  skipped: all.flatMap((result) => result.skipped),
};
if (!all.some((result) => result.suite.startsWith('vitest-')))
  total.failed.push({ name: 'vitest', message: 'no package with tests was found in clients/web' });
if (all.every((result) => result.suite.startsWith('vitest-')))
  total.failed.push({ name: 'dotnet', message: 'no test project was found in tests' });
for (const test of total.skipped)
  console.log(`skipped: ${test.name}: ${firstLine(test.message)}`);
for (const test of total.failed)
  console.log(`FAILED:  ${test.name}: ${beginning(test.message)}`);
console.log(line(total));
process.exit(total.failed.length === 0 ? 0 : 1);
