import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate, type EvaluateOptions } from './evaluate.ts';
import { JsonnetError } from './jsonnet-error.ts';
import { loadProgram } from './load.ts';

async function run(files: string | Readonly<Record<string, string>>, options: EvaluateOptions = {}, libraries: readonly string[] = []): Promise<unknown> {
  const tree = typeof files === 'string' ? { 'main.jsonnet': files } : files;
  const read = (path: string): Promise<Uint8Array | undefined> => Promise.resolve(Object.hasOwn(tree, path) ? new TextEncoder().encode(tree[path]) : undefined);
  return evaluate(await loadProgram('main.jsonnet', read, libraries), options);
}

describe('values and operators', () => {
  it.each([
    ['1 + 2 * 3 - -4', 11],
    ['7 % -3', 1],
    ['1 << 4 | 1', 17],
    ['~5', -6],
    ['"a" + 1 + null + [1, "b"] + {c: true}', 'a1null[1, "b"]{"c": true}'],
    ['[1, 2] + [3]', [1, 2, 3]],
    ['[1, 2] < [1, 3] && "a" < "b" && !(2 < 1)', true],
    ['{a: 1, b:: 2} == {a: 1, b:: 3}', true],
    ['"\\uD83D\\uDE00x"[0]', '😀'],
    ['std.length("😀x")', 2],
    ["@'it''s'", "it's"],
    ['|||\n  a\n    b\n\n  c\n|||', 'a\n  b\n\nc\n'],
    ['|||-\n  a\n|||', 'a'],
    ['"abcdef"[1:4]', 'bcd'],
    ['[0, 1, 2, 3, 4, 5][::2]', [0, 2, 4]],
    ['[1, 2, 3][-2:]', [2, 3]],
    ['0.1 + ""', '0.10000000000000001'],
    ['1e20 + ""', '100000000000000000000'],
    ['if false then 1', null],
  ])('%s', async (program, value) => {
    expect(await run(program)).toEqual(value);
  });

  it.each([
    ['{ a: 1 } { a+: 1, b: super.a }', { a: 2, b: 1 }],
    ['{ a: self.b, b: 1 } + { b: 2 }', { a: 2, b: 2 }],
    ['{ a: { b: $.c }, c: 3 }', { a: { b: 3 }, c: 3 }],
    ['{ local x = self.y, y: 1, z: x }', { y: 1, z: 1 }],
    ['{ h:: 1, v: "h" in self, w: "q" in self }', { v: true, w: false }],
    ['{ a: 1 } + { a:: 2 } + { a::: 3 }', { a: 3 }],
    ['{ [k]: v for k in ["x", "y"] for v in [1] if k != "y" }', { x: 1 }],
    ['{ [if false then "a"]: 1, b: 2 }', { b: 2 }],
    ['{ f(x, y=2):: x + y, v: self.f(1), w: self.f(y=5, x=1) }', { v: 3, w: 6 }],
    ['local a = { x: 1, y: self.x }; (a { x: 2 }).y', 2],
    ['{ a: { b: 1 } } + { a+: { c: 2 } }', { a: { b: 1, c: 2 } }],
    ['local f = { x: 1, m: { n: "x" in super } }; { x: 0 } + f', { x: 1, m: { n: false } }],
    ['{ assert self.n > 0 : "positive", n: 1 }', { n: 1 }],
    ['{ "__proto__": 1, constructor: 2 }', JSON.parse('{"__proto__": 1, "constructor": 2}')],
  ])('objects: %s', async (program, value) => {
    expect(await run(program)).toEqual(value);
  });

  it('works out nothing that is not needed', async () => {
    expect(await run('local boom = error "no"; { a: 1, b:: boom, c: [boom, 2][1], d: std.length([boom]) }')).toEqual({ a: 1, c: 2, d: 1 });
  });

  it('loops without stack where calls are strict and last', async () => {
    expect(await run('local sum(n, acc) = if n == 0 then acc else sum(n - 1, acc + n) tailstrict; sum(20000, 0)')).toBe(200_010_000);
  });
});

describe('the standard library', () => {
  it.each([
    ['std.format("%05.1f|%-4s|%+d|%x|%e|%g|%%|%c", [3.14159, "ab", 5, 255, 12345.678, 0.0001, 65])', '003.1|ab  |+5|ff|1.234568e+04|0.0001|%|A'],
    ['"%(a)s-%(b)03d" % {a: "x", b: 7}', 'x-007'],
    ['std.manifestYamlDoc({a: [1, {b: "x\\ny\\n"}], c: {}})', '"a":\n- 1\n- "b": |\n    x\n    y\n"c": {}'],
    ['std.manifestYamlDoc({"a b": 1, c: "1"}, quote_keys=false)', '"a b": 1\nc: "1"'],
    ['std.manifestJsonEx({a: []}, " ")', '{\n "a": [\n\n ]\n}'],
    ['std.manifestIni({main: {a: 1}, sections: {s: {b: [1, 2]}}})', 'a = 1\n[s]\nb = 1\nb = 2\n'],
    ['std.manifestTomlEx({a: 1, t: {b: [1, 2], u: {}}}, "  ")', 'a = 1\n\n[t]\n  b = [\n    1,\n    2\n  ]\n\n  [t.u]'],
    ['std.parseYaml("a: 1\\nb: [x]")', { a: 1, b: ['x'] }],
    ['std.parseJson(\'{"a": [1, null]}\')', { a: [1, null] }],
    ['std.mergePatch({a: 1, b: {c: 1, d: 2}}, {a: null, b: {c: null, e: 3}})', { b: { d: 2, e: 3 } }],
    ['std.prune({a: null, b: [], c: {d: {}}, e: 0})', { e: 0 }],
    ['std.sort([3, 1, 2], keyF=function(x) -x)', [3, 2, 1]],
    ['[std.setUnion([1, 3], [2, 3]), std.setInter([1, 3], [3]), std.setDiff([1, 3], [3])]', [[1, 2, 3], [3], [1]]],
    ['std.foldl(function(a, b) a + b, ["a", "b"], "")', 'ab'],
    ['std.split("a/b/c", "/") + std.splitLimit("a/b/c", "/", 1) + std.splitLimitR("a/b/c", "/", 1)', ['a', 'b', 'c', 'a', 'b/c', 'a/b', 'c']],
    ['std.base64("hé") + std.base64Decode("aMOp")', 'aMOphÃ©'],
    ['std.md5("a")', '0cc175b9c0f1b6a831c399e269772661'],
    ['std.objectFields({b: 1, a: 2, c:: 3}) + std.objectFieldsAll({c:: 3})', ['a', 'b', 'c']],
    ['std.get({a: 1}, "b", "d")', 'd'],
    ['std.thisFile', 'main.jsonnet'],
    ['[std.clamp(5, 1, 3), std.exponent(8), std.mantissa(8), std.round(2.5), std.sign(-2)]', [3, 4, 0.5, 3, -1]],
    ['std.escapeStringJson("\\u0000\\"é")', '"\\u0000\\"é"'],
    ['std.manifestXmlJsonml(["a", {b: "<"}, "x", ["c"]])', '<a b="<">x<c></c></a>'],
  ])('%s', async (program, value) => {
    expect(await run(program)).toEqual(value);
  });

  it('writes JSON that is read back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        const text = JSON.stringify(value);
        const again = JSON.parse(JSON.stringify(value).replaceAll('-0', '0')) as unknown;
        expect(
          await run('std.parseJson(std.manifestJsonEx(std.parseJson(std.extVar("v")), "  "))', {
            extVars: [{ name: 'v', value: text.replaceAll('-0', '0'), isCode: false }],
          }),
        ).toEqual(again);
      }),
      { numRuns: 200 },
    );
  });
});

describe('arguments and imports', () => {
  it('hands over external variables and arguments, as text and as code', async () => {
    const extVars = [
      { name: 'env', value: 'prod', isCode: false },
      { name: 'sizes', value: '[1, 2]', isCode: true },
    ];
    expect(
      await run('function(name, n=1) { e: std.extVar("env"), s: std.extVar("sizes"), n: n, name: name }', {
        extVars,
        tlas: [{ name: 'name', value: 'x', isCode: false }],
      }),
    ).toEqual({
      e: 'prod',
      s: [1, 2],
      n: 1,
      name: 'x',
    });
  });

  it('finds imports beside the file, then in libraries, the last one first', async () => {
    const files = {
      'main.jsonnet': '[import "a.libsonnet", import "b.libsonnet", importstr "t.txt", import "sub/c.libsonnet"]',
      'a.libsonnet': '"beside"',
      'lib/a.libsonnet': '"lib"',
      'lib/b.libsonnet': '"lib"',
      'vendor/b.libsonnet': '"vendor"',
      't.txt': 'text',
      'sub/c.libsonnet': '(import "../d.libsonnet") + std.thisFile',
      'd.libsonnet': '"d:"',
    };
    expect(await run(files, {}, ['lib', 'vendor'])).toEqual(['beside', 'vendor', 'text', 'd:sub/c.libsonnet']);
  });

  it('misses an import only where it is needed, and names nothing outside', async () => {
    expect(await run('local x = import "none.libsonnet"; 1')).toBe(1);
    await expect(run('import "../../etc/passwd"')).rejects.toThrow('couldn\'t open import "../../etc/passwd"');
    await expect(run('importstr "/etc/passwd"')).rejects.toThrow("couldn't open import");
    await expect(run('import "main.jsonnet"')).rejects.toThrow('infinite recursion');
  });
});

describe('errors', () => {
  it.each([
    ['{ a: 1', 'syntax', 'main.jsonnet:1:7 expected token "}" but got end of file'],
    ['local a = 1, a = 2; a', 'syntax', 'Duplicate local name: a'],
    ['{ a: 1, a: 2 }', 'syntax', 'Duplicate field name: a'],
    ['nope', 'static', 'main.jsonnet:1:1 Unknown variable: nope'],
    ['{ a: error "said" }', 'runtime', 'RUNTIME ERROR: said\n\tmain.jsonnet:1:6'],
    ['{ a: 1 }.b', 'runtime', 'Field does not exist: b'],
    ['[1][1]', 'runtime', 'Index 1 out of bounds, not within [0, 1)'],
    ['(function(x) x)()', 'runtime', 'Missing argument: x'],
    ['{ assert false : "must" , a: 1 }', 'runtime', 'RUNTIME ERROR: must'],
    ['1 / 0', 'runtime', 'Division by zero.'],
    ['function(x) x', 'runtime', 'Missing argument: x'],
    ['{ f: function(x) x }', 'manifest', "Couldn't manifest function"],
  ])('%s', async (program, code, message) => {
    const error: unknown = await run(program).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JsonnetError);
    expect(error).toMatchObject({ detail: { code }, message: expect.stringContaining(message) });
  });
});

describe('budgets', () => {
  it.each([
    ['endless recursion', 'local f(x) = f(x + 1) + 1; f(0)'],
    ['an endless strict loop', 'local f(x) = f(x + 1) tailstrict; f(0)'],
    ['doubling texts', 'local f(s, n) = if n == 0 then s else f(s + s, n - 1) tailstrict; std.length(f("x", 60))'],
    ['doubling lists', 'local f(s, n) = if n == 0 then s else f(s + s, n - 1) tailstrict; std.length(f([1], 60))'],
    ['a huge range', 'std.length(std.range(1, 1e12))'],
    ['a huge repeat', 'std.length(std.repeat("x", 1e12))'],
    ['a wide format', '"%999999999d" % 1'],
    ['an endless object', '{ a: self }'],
    ['a deep text', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a long chain', `1${'+1'.repeat(200_000)}`],
    ['nested loops', '[1 for a in std.range(1, 1e4) for b in std.range(1, 1e4) for c in std.range(1, 1e4)]'],
    [
      'a YAML bomb',
      'std.parseYaml(std.join("\\n", ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + ["a%d: &a%d [%s]" % [n, n, std.join(", ", ["*a%d" % (n - 1) for _ in std.range(1, 10)])] for n in std.range(1, 9)]))',
    ],
  ])('end %s', async (_, program) => {
    const error: unknown = await run(program).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JsonnetError);
  });
});
