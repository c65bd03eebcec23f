import { execFileSync } from 'node:child_process';
import { findProgram } from '@tiphys/testkit';
import { describe, expect, it } from 'vitest';
import { evaluate } from './evaluate.ts';
import { loadProgram } from './load.ts';

const jsonnet = findProgram({ name: 'jsonnet', package: 'jsonnet' }, process.env);

// Programs whose meaning did not change since 0.18, which Debian has.
const PROGRAMS: readonly string[] = [
  'local p = { n: "a", r: 3 }; [{ name: p.n + i, replicas: std.max(p.r, i) } for i in std.range(0, 9) if i % 2 == 0]',
  'local base = { name:: "x", labels: { app: $.name }, spec+: { a: 1 } }; base { name: "y", spec+: { b: super.a }, labels+: { t: "z" } }',
  'local A = { x: 1, y: self.x + 1, z:: self.y }; local B = A { x: 10, w: super.y + super.x }; [B, B.z, (A + B + { y: 0 }).w]',
  '{ [std.char(97 + i)]: { [std.toString(j)]: i * j for j in std.range(i, 3) } for i in std.range(0, 3) }',
  'std.map(function(t) std.format("%-8s|%8.3f|%+05d|%x|%o|%e|%G", t), [["ab", 3.14159, 42, 255, 8, 12345.678, 1e-7], ["é", -2.5, -7, 0, 0, 0, 1e20]])',
  'std.manifestYamlDoc({ a: [[1, 2], [], {}, { b: null, c: "x\\ny\\n" }], "k:": true, n: -0.5 })',
  'std.manifestJsonEx({ a: [[], {}, [1, "\\u0007\\t"]], b: { c: null } }, "   ")',
  'std.manifestPython({ a: [true, null, 1.5, "x"], b: {} }) + std.manifestIni({ main: { a: 1 }, sections: { s: { k: ["x", "y"] } } })',
  '[std.foldr(function(a, b) a + b, ["a", "b", "c"], ""), std.flatMap(function(x) [x, x], [1, 2]), std.join([0], [[1], null, [2]]), std.lines(["a", "b"])]',
  '[std.sort([[2, "b"], [1, "z"], [2, "a"]]), std.uniq([1, 1, 2]), std.set(["b", "a", "b"]), std.setDiff(["a", "b"], ["b"]), std.setMember("a", ["a"])]',
  '[std.substr("héllo", 1, 3), std.findSubstr("aa", "aaaa"), std.strReplace("a.b.c", ".", "/"), std.asciiUpper("aé"), std.stripChars("  x ", " "), std.parseHex("ff")]',
  '[1 / 3, 1e15, 1e17, 123456789012, 0.1 + 0.2, -1 % 3, 5 % 3, 1 << 10, ~7 & 255, 6 ^ 3]',
  '[std.base64("any"), std.base64Decode("YW55"), std.md5("x"), std.encodeUTF8("é"), std.decodeUTF8([195, 169])]',
  'std.mergePatch({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: null, e: { f: null, g: 1 } }, d: null })',
  'std.prune({ a: { b: [null, [], {}] }, c: 0, d: [1, null, { e: null }] })',
  'local fib(n) = if n <= 1 then n else fib(n - 1) + fib(n - 2); [fib(i) for i in std.range(0, 15)]',
  'local o = { assert self.x > 0 : "positive", x: 1, "quoted name": 2, f(a, b=a * 2)::: [a, b] } ; [o.x, o["quoted name"], o.f(2), o.f(b=1, a=0), std.objectFieldsAll(o)]',
  '[("abc")[0:2], [1, 2, 3, 4][1:], [1, 2, 3, 4][::2], "x" in { x:: 1 }, std.type(function() 1), std.length({ a: 1, b:: 2 })]',
  'std.manifestXmlJsonml(["svg", { h: 1 }, ["p", "a<b"]]) + std.escapeStringBash("it\'s") + std.escapeStringDollars("$x")',
  '|||\n  text %s\n    kept\n||| % "block"',
];

describe.skipIf(jsonnet === undefined)('the same programs through libjsonnet', () => {
  it.each(PROGRAMS)('%s', async (program) => {
    const theirs: unknown = JSON.parse(execFileSync(jsonnet ?? '', ['-e', program], { encoding: 'utf8' }));
    const loaded = await loadProgram('main.jsonnet', (path) => Promise.resolve(path === 'main.jsonnet' ? new TextEncoder().encode(program) : undefined), []);
    expect(evaluate(loaded)).toEqual(theirs);
  });
});
