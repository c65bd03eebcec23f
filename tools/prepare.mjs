#!/usr/bin/env node
// Makes a fresh clone runnable: installs dependencies and builds what is stale. With --test also the Debian packages the suites use.
// Node built-ins only: it runs before anything is installed.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stamps = join(root, 'node_modules/.cache/tiphys');
process.chdir(root);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: Tiphys needs 20.19 or newer`);

installDependencies();
build();
if (process.argv.includes('--test')) {
  // A person's machine is not given an SSH daemon for the sake of a few tests.
  const daemons = process.env.CI === 'true' ? ['openssh-server'] : [];
  installPackages(['redis-server', 'chromium', 'git', 'docker-registry', 'jsonnet', 'openssh-client', 'gnupg', 'openssl', ...daemons]);
}

function installDependencies() {
  const lock = hashOf(['package-lock.json', 'package.json']);
  if (existsSync('node_modules') && stamp('dependencies') === lock) return;
  say('installing dependencies');
  // Not `npm ci`: it refuses a lock file without the binaries of platforms that a registry mirror does not carry.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  setStamp('dependencies', lock);
}

function build() {
  // tsc -b looks at what changed by itself and is quick when nothing did.
  run('node', ['node_modules/typescript/bin/tsc', '-b']);
  if (!existsSync('apps/console/index.html')) return;
  const sources = hashOf(filesBelow('apps/console'));
  if (existsSync('apps/console/dist/index.html') && stamp('console') === sources) return;
  say('building the console');
  run('npm', ['run', '--silent', 'build', '-w', '@tiphys/console', '--loglevel=error']);
  setStamp('console', sources);
}

function installPackages(names) {
  const missing = names.filter(
    (name) => spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' }).stdout?.includes('install ok installed') !== true,
  );
  if (missing.length === 0) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || spawnSync('apt-get', ['--version']).error !== undefined) {
    say(`not installed and not installable here (needs root and apt-get): ${missing.join(', ')}; their suites are skipped`);
    return;
  }
  say(`installing ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env };
  spawnSync('apt-get', ['update', '-qq'], quiet);
  const installed = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], quiet);
  if (installed.status !== 0) say(`apt-get could not install ${missing.join(', ')}; their suites are skipped`);
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name === 'dist' || entry.name === 'node_modules') return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) if (existsSync(file) && statSync(file).isFile()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function stamp(name) {
  const path = join(stamps, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function setStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

function run(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    fail(`${command} ${args.join(' ')} failed${error.status === undefined ? `: ${error.message}` : ''}`);
  }
}

function say(text) {
  process.stdout.write(`tiphys: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`tiphys: ${text}\n`);
  process.exit(1);
}
