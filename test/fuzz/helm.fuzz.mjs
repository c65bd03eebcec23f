// Throws mutated templates and YAML at the Helm engine: every answer must be output or a HelmError or BudgetError, within time.
// Usage: node test/fuzz/helm.fuzz.mjs [minutes] [seed]      needs a build; seeds come from charts/ and, where present, ../shared/vectors
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const MINUTES = Number(process.argv[2] ?? 10);
const SEED = Number(process.argv[3] ?? 1);
const HANG_MS = 20_000;

const TOKENS = [
  '{{',
  '}}',
  '{{-',
  '-}}',
  '{{ range ',
  '{{ with ',
  '{{ if ',
  '{{ else }}',
  '{{ end }}',
  '{{ define "x" }}',
  '{{ template "x" . }}',
  '{{ include "x" . }}',
  '{{ tpl "{{ . }}" . }}',
  '|',
  '$x := ',
  '.Values',
  '.a.b',
  '(',
  ')',
  '"',
  '`',
  '\\',
  '0x',
  '1e9',
  "'",
  '/*',
  '*/',
  '- ',
  ': ',
  '&a ',
  '*a',
  '? ',
  '|-\n',
  '>\n',
  '---\n',
  '\t',
  '[',
  ']',
  '{',
  '}',
  ',',
  '#',
  '%',
  '!!',
  '\u0000',
  '\u2028',
  '\ud800',
  '<<: ',
];

if (isMainThread) await supervise();
else await fuzz(workerData.seed);

async function supervise() {
  const deadline = Date.now() + MINUTES * 60_000;
  const totals = { templates: 0, yaml: 0, rendered: 0, refused: 0, budget: 0, crashes: 0, hangs: 0 };
  let seed = SEED;
  while (Date.now() < deadline) {
    const worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { seed },
      resourceLimits: { maxOldGenerationSizeMb: 512 },
      argv: process.argv.slice(2),
    });
    let last = { at: Date.now(), text: '' };
    let ended = false;
    worker.on('message', (message) => {
      if (message.kind === 'begin') last = { at: Date.now(), text: message.text };
      else for (const key of Object.keys(message.counts)) totals[key] += message.counts[key];
    });
    worker.on('error', (error) => {
      totals.crashes += 1;
      process.stdout.write(`CRASH ${error.message}\n${JSON.stringify(last.text).slice(0, 2_000)}\n`);
    });
    worker.on('exit', () => (ended = true));
    while (!ended && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      if (Date.now() - last.at < HANG_MS) continue;
      totals.hangs += 1;
      process.stdout.write(`HANG\n${JSON.stringify(last.text).slice(0, 2_000)}\n`);
      break;
    }
    await worker.terminate();
    seed += 1;
  }
  process.stdout.write(`${JSON.stringify({ minutes: MINUTES, firstSeed: SEED, ...totals })}\n`);
  process.exitCode = totals.crashes + totals.hangs > 0 ? 1 : 0;
}

async function fuzz(seed) {
  const { BudgetError, HelmError, loadChart, readValues, renderChart } = await import('../../libs/delivery/helm/dist/index.js');
  const random = generator(seed);
  const seeds = loadSeeds();
  const encoder = new TextEncoder();
  const chartOf = (template) =>
    loadChart([
      { name: 'Chart.yaml', data: encoder.encode('apiVersion: v2\nname: f\nversion: 0.1.0\n') },
      { name: 'templates/t.yaml', data: encoder.encode(template) },
    ]);
  for (;;) {
    const counts = { templates: 0, yaml: 0, rendered: 0, refused: 0, budget: 0 };
    for (let index = 0; index < 50; index += 1) {
      const isYaml = random() < 0.4;
      const text = mutate(pick(isYaml ? seeds.yaml : seeds.templates, random), seeds, random);
      parentPort.postMessage({ kind: 'begin', text });
      counts[isYaml ? 'yaml' : 'templates'] += 1;
      try {
        if (isYaml) readValues(text, 'helm4');
        else
          renderChart(chartOf(text), readValues('a: {b: [1, 2, {c: x}], d: 1.5}\ns: text\n', 'helm4'), {
            release: 'r',
            namespace: 'n',
            budget: { steps: 200_000, outputBytes: 1_000_000, depth: 200 },
          });
        counts.rendered += 1;
      } catch (error) {
        if (error instanceof BudgetError) counts.budget += 1;
        else if (error instanceof HelmError || isRefusal(error, isYaml)) counts.refused += 1;
        else throw error;
      }
    }
    parentPort.postMessage({ kind: 'counts', counts });
  }
}

// The readers under the engine speak in plain Errors with Helm's words; anything of the language's own is a bug.
function isRefusal(error, isYaml) {
  return (
    error instanceof Error &&
    !(error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError || error instanceof SyntaxError) &&
    (isYaml || error.message !== '')
  );
}

function loadSeeds() {
  const own = new URL('../../charts/tiphys/templates/', import.meta.url);
  const templates = readdirSync(own).map((name) => readFileSync(new URL(name, own), 'utf8'));
  const yaml = [readFileSync(new URL('../values.yaml', own), 'utf8'), 'a: &x [1, *x]\nb: !!binary aGk=\nc: |-\n  text\n? k\n: v\n'];
  const vectors = fileURLToPath(new URL('../../../shared/vectors/text/', import.meta.url));
  if (existsSync(`${vectors}sprig.jsonl.xz`)) {
    for (const line of execFileSync('xz', ['-dc', `${vectors}sprig.jsonl.xz`], { encoding: 'utf8', maxBuffer: 64e6 }).split('\n'))
      if (line !== '') templates.push(JSON.parse(line).tpl);
    for (const line of execFileSync('xz', ['-dc', `${vectors}yaml-emit.jsonl.xz`], { encoding: 'utf8', maxBuffer: 64e6 })
      .split('\n')
      .slice(0, 2_000))
      if (line !== '') yaml.push(`k: ${JSON.parse(line).v}`);
  }
  return { templates, yaml };
}

function mutate(text, seeds, random) {
  let result = text;
  for (let round = 0; round < 1 + Math.floor(random() * 6); round += 1) {
    const at = Math.floor(random() * (result.length + 1));
    const to = Math.min(result.length, at + Math.floor(random() * 20));
    const kind = random();
    if (kind < 0.4) result = result.slice(0, at) + pick(TOKENS, random) + result.slice(at);
    else if (kind < 0.6) result = result.slice(0, at) + result.slice(to);
    else if (kind < 0.75) result = result.slice(0, to) + result.slice(at);
    else if (kind < 0.9) result = result.slice(0, at) + pick(random() < 0.5 ? seeds.templates : seeds.yaml, random).slice(0, 400) + result.slice(at);
    else result = result.slice(0, at) + String.fromCharCode(Math.floor(random() * 0x250)) + result.slice(at + 1);
  }
  return result.slice(0, 20_000);
}

function pick(list, random) {
  return list[Math.floor(random() * list.length)];
}

// mulberry32: the same seed throws the same things.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
