#!/usr/bin/env node
// Runs every check of the workspace and ends with one line: N passed, N failed, N skipped.
// Extra arguments go to vitest: `npm test -- libs/kernel`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
process.chdir(root);
const filters = process.argv.slice(2);
const results = 'test/results/vitest.json';
mkdirSync('test/results', { recursive: true });
rmSync(results, { force: true });

const checks =
  filters.length > 0
    ? []
    : [
        ['lint', 'oxlint', ['--type-aware', '--quiet']],
        ['format', 'oxfmt', ['--check', '.']],
        ['unused code', 'knip', ['--no-progress']],
      ];
let passed = 0;
let failed = 0;
for (const [name, command, args] of checks) {
  const ok = spawnSync(join('node_modules/.bin', command), args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
  process.stdout.write(`${ok ? 'ok' : 'FAILED'}: ${name}\n`);
  if (ok) passed += 1;
  else failed += 1;
}

const vitest = spawnSync('node_modules/.bin/vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...filters], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (!existsSync(results)) {
  process.stderr.write('vitest did not finish\n');
  process.exit(1);
}
const report = JSON.parse(readFileSync(results, 'utf8'));
passed += report.numPassedTests;
// A file that cannot be loaded has no tests to count, but is a failure all the same.
failed += report.numFailedTests + report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
const skipped = report.numPendingTests + report.numTodoTests;
const code = failed > 0 || vitest.status !== 0 ? 1 : 0;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(code);
