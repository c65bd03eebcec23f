import { afterAll, describe, expect, it } from 'vitest';
import { createScriptEngine, type ScriptCall } from './index.ts';

const engine = createScriptEngine({ maxWorkers: 1 });
const signal = new AbortController().signal;
afterAll(() => engine.close());

const lua = (script: string, globals: Readonly<Record<string, unknown>> = {}, useOpenLibs = false): ScriptCall => ({
  kind: 'lua',
  script,
  globals,
  useOpenLibs,
});
const jq = (expression: string, input: unknown): ScriptCall => ({ kind: 'jqPaths', expression, input });
const cel = (expression: string, variables: Readonly<Record<string, unknown>> = {}): ScriptCall => ({ kind: 'cel', expression, variables });
const one = async (call: ScriptCall): Promise<unknown> => (await engine.run([call], signal))[0];
const deployment = { kind: 'Deployment', metadata: { labels: null }, spec: { replicas: 3, list: [], containers: [{ name: 'a' }, { name: 'b', image: 'x' }] } };

describe('lua', () => {
  it('sees data as tables and gives data back', async () => {
    const script = `local hs = {} if obj.metadata.labels == nil and obj.spec.replicas == 3 then hs.status = "Healthy" hs.message = #obj.spec.containers .. " containers" end return hs`;
    expect(await one(lua(script, { obj: deployment }))).toEqual({ kind: 'value', value: { status: 'Healthy', message: '2 containers' } });
  });
  it('has what Lua 5.1 scripts expect', async () => {
    expect(await one(lua('return unpack({7, 8}) + table.getn({1, 2})'))).toEqual({ kind: 'value', value: 9 });
    expect(await one(lua('return os.date("!%Y", 0)'))).toEqual({ kind: 'value', value: '1970' });
  });
  it.each([
    'io',
    'debug',
    'package',
    'require',
    'load',
    'loadstring',
    'dofile',
    'loadfile',
    'print',
    'collectgarbage',
    'os.execute',
    'os.getenv',
    'os.remove',
    'string',
  ])('has no %s', async (name) => expect(await one(lua(`return ${name} == nil`))).toEqual({ kind: 'value', value: true }));
  it.each(['io', 'debug', 'package', 'load', 'os.getenv', 'string.dump'])('has no %s with open libs either', async (name) => {
    expect(await one(lua(`return ${name} == nil`, {}, true))).toEqual({ kind: 'value', value: true });
  });
  it('has string functions with open libs', async () => {
    expect(await one(lua('return string.match("v1.2", "%d+")', {}, true))).toEqual({ kind: 'value', value: '1' });
  });
  it('keeps nothing from one script to the next', async () => {
    const results = await engine.run([lua('leak = 1 tostring = nil return 0'), lua('return tostring(leak)')], signal);
    expect(results[1]).toEqual({ kind: 'value', value: 'nil' });
  });
  it.each([
    ['syntax', 'return return', 'error', /script:1:/],
    ['a nil value', 'return obj.a.b', 'error', /script:1:.*nil/],
    ['an endless loop', 'while true do end', 'timeout', /1000 ms/],
    ['a loop that catches its end', 'while true do pcall(function() while true do end end) end', 'timeout', /./],
    ['a growing string', 'local s = "x" while true do s = s .. s end', 'memory', /16 MiB/],
    ['a growing table', 'local t = {} for i = 1, 1e9 do t[i] = {} end', 'memory', /16 MiB/],
    ['endless recursion', 'local function f() return 1 + f() end return f()', /error|memory/, /./],
    ['a function as result', 'return { f = function() end }', 'error', /function/],
    ['a cycle', 'local t = {} t.t = t return t', 'error', /deep/],
  ])('ends %s', async (_name, script, reason, message) => {
    expect(await one(lua(script))).toMatchObject({
      kind: 'failed',
      reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
      message: expect.stringMatching(message),
    });
  });
  it('ends what no hook sees', async () => {
    const script = 'return string.find(string.rep("a", 200000), string.rep(".-", 40) .. "b")';
    expect(await one(lua(script, {}, true))).toMatchObject({ kind: 'failed' });
  });
});

describe('jq', () => {
  it('says where an expression points', async () => {
    expect(await one(jq('.spec.containers[] | select(.name == "b") | .image', deployment))).toEqual({
      kind: 'value',
      value: [['spec', 'containers', 1, 'image']],
    });
    expect(await one(jq('.spec.replicas # the autoscaler', deployment))).toEqual({ kind: 'value', value: [['spec', 'replicas']] });
    expect(await one(jq('def f: .spec; f.replicas', deployment))).toEqual({ kind: 'value', value: [['spec', 'replicas']] });
    expect(await one(jq('.nothing[]?', deployment))).toEqual({ kind: 'value', value: [] });
  });
  it.each([
    ['a half expression', '.spec['],
    ['an unknown function', '.[] | nothing'],
    ['what is no path', 'now'],
    ['a wrong type', '.kind.x'],
    ['an error', 'error("x")'],
    ['a way out of the frame', '.spec)] | [., ([.'],
  ])('fails for %s', async (_name, expression) => {
    expect(await one(jq(expression, deployment))).toMatchObject({ kind: 'failed', reason: 'error', message: expect.stringMatching(/^jq: /) });
  });
  it.each(['def f: f; f', '[range(1e9)]', 'until(false; .)', '[limit(1e9; repeat(1))] | length', 'reduce range(1e9) as $i ("x"; . + .)'])(
    'ends %s',
    async (expression) => expect(await one(jq(expression, deployment))).toMatchObject({ kind: 'failed' }),
    20_000,
  );
  it('sees neither environment nor files', async () => {
    const path = process.env['PATH'] ?? 'nothing';
    expect(JSON.stringify(await one(jq('if env.PATH == "' + path.replaceAll('"', '') + '" then .spec else .kind end', deployment)))).toContain('kind');
  });
  it('gives each of many its own answer', async () => {
    const inputs = Array.from({ length: 1_000 }, (_, index) => ({ spec: { list: Array.from({ length: index % 3 }, () => ({ a: 1 })) } }));
    const startedAt = performance.now();
    const results = await engine.run(
      inputs.map((input) => jq('.spec.list[].a', input)),
      signal,
    );
    expect(results.map((result) => (result.kind === 'value' && Array.isArray(result.value) ? result.value.length : -1))).toEqual(
      inputs.map((_, index) => index % 3),
    );
    // 1,000 objects are twenty rounds inside the worker, not a thousand.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('cel', () => {
  it('evaluates', async () => {
    const variables = { self: { spec: { replicas: 2 }, status: { conditions: [{ type: 'Ready', status: 'True' }] } } };
    expect(await one(cel('self.status.conditions.exists(c, c.type == "Ready" && c.status == "True") && self.spec.replicas == 2', variables))).toEqual({
      kind: 'value',
      value: true,
    });
    expect(await one(cel('"at " + string(self.spec.replicas)', variables))).toEqual({ kind: 'value', value: 'at 2' });
  });
  it.each(['self.a.b', 'self.', 'process', 'self.constructor', 'self.__proto__'])('fails for %s', async (expression) => {
    expect(await one(cel(expression, { self: {} }))).toMatchObject({ kind: 'failed', reason: 'error', message: expect.stringMatching(/^cel: /) });
  });
  it('ends a bomb', async () => {
    const list = `[${Array.from({ length: 60 }, (_, index) => index).join(',')}]`;
    const bomb = ['a', 'b', 'c', 'd', 'e', 'f'].reduceRight((inner, name) => `${list}.map(${name}, ${inner})`, '1');
    expect(await one(cel(bomb))).toMatchObject({ kind: 'failed' });
  }, 20_000);
});

describe('engine', () => {
  it('goes on after a script that hung, and does not try that one again', async () => {
    const bomb = 'while true do pcall(function() while true do end end) end -- again';
    const before = performance.now();
    const results = await engine.run([lua('return 1'), lua(bomb), lua('return 2'), lua(bomb), jq('.a', { a: 1 })], signal);
    expect(results.map((result) => (result.kind === 'value' ? result.value : result.reason))).toEqual([1, 'timeout', 2, 'timeout', [['a']]]);
    expect(performance.now() - before).toBeLessThan(6_000);
  }, 20_000);
  it('finds the one of a group that hangs', async () => {
    const results = await engine.run(
      [1, 2, 3].map((n) => jq('if .n == 2 then (def f: f; f) else .n end', { n })),
      signal,
    );
    expect(results.map((result) => (result.kind === 'value' ? result.value : result.reason))).toEqual([[['n']], 'timeout', expect.anything()]);
  }, 20_000);
  it('stops when its caller does', async () => {
    const controller = new AbortController();
    const running = engine.run([lua('while true do pcall(function() while true do end end) end -- aborted')], controller.signal);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(await one(lua('return 3'))).toEqual({ kind: 'value', value: 3 });
  });
  it('refuses what would wait too long', async () => {
    const small = createScriptEngine({ maxPending: 1 });
    expect(await small.run([lua('return 1'), lua('return 2')], signal)).toMatchObject([{ reason: 'busy' }, { reason: 'busy' }]);
    small.close();
  });
  it('says when there is no worker', async () => {
    const broken = createScriptEngine({ workerFile: new URL('file:///nowhere/script-worker.js') });
    await expect(broken.run([lua('return 1')], signal)).rejects.toThrow('no worker could be started');
    broken.close();
  });
});
