import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adapt, compile, DYN, evaluate, INT, toJson } from './index.ts';

const LIMIT = 1_000_000;

/** The JSON of an expression's result, or its error after `!`, or what the compiler says after `?`. */
function run(source: string, self: unknown = {}): unknown {
  const compiled = compile(source, { variables: { self: DYN } });
  if (!compiled.ok) return `?${compiled.message.split('\n')[0]?.replace(/^ERROR: <input>:/, '')}`;
  const result = evaluate(compiled.program, (name) => (name === 'self' ? adapt(self) : undefined), LIMIT);
  return result.kind === 'value' ? toJson(result.value) : `!${result.message}`;
}

describe('the language', () => {
  const cases: readonly (readonly [source: string, want: unknown, self?: unknown])[] = [
    ['1 + 2 * 3 - 4 / 2 % 3', 5],
    ['-7 / 2', -3],
    ['-7 % 2', -1],
    ['7u - 2u', 5],
    ['0x1F + 1', 32],
    ['1.5 + 1e3', 1001.5],
    ['.5 * 4.0', 2],
    ['1 < 2 && 2.0 > 1 || false', true],
    ['dyn(1) == dyn(1.0) && dyn(1u) == dyn(1)', true],
    ['1 < 1.5 && 2u > 1', true],
    ["'a' + 'b' == \"ab\"", true],
    ["'\\u00e9\\x41\\101\\n' == 'éAA\\n'", true],
    ["r'\\d' == '\\\\d'", true],
    ["'''a\nb'''", 'a\nb'],
    ["b'\\xff\\x00' == b'\\377\\000'", true],
    ["size('héllo€😀')", 7],
    ['[1, 2] + [3]', [1, 2, 3]],
    ['[1, 2, 3][1]', 2],
    ["{'a': 1, 'b': 2}['b']", 2],
    ["{1: 'a', 2: 'b'}[dyn(2u)]", 'b'],
    ['[7, 8][dyn(1.0)] + [7, 8][dyn(0u)]', 15],
    ['dyn(9223372036854775807) < 9223372036854775808.0', false],
    ["'b' in {'a': 1, 'b': 2} && 3 in [1, 2, 3] && !(4 in [1])", true],
    ['true ? 1 : 2', 1],
    ['!!true', true],
    ['--3', 3],
    ["timestamp('2023-02-28T23:59:59Z') + duration('1s') == timestamp('2023-03-01T00:00:00Z')", true],
    ["timestamp('2024-03-01T00:00:00+01:00') - timestamp('2024-02-29T00:00:00Z') == duration('23h')", true],
    ["timestamp('2024-12-31T12:30:15.5Z').getDayOfYear()", 365],
    ["timestamp('2024-07-01T00:30:00Z').getHours('Europe/Berlin')", 2],
    ["timestamp('2024-07-01T00:30:00Z').getDate('-01:00')", 30],
    ["timestamp('2024-07-01T00:30:00Z').getDayOfWeek()", 1],
    ["string(timestamp('2024-07-01T00:30:00.5-02:30') + duration('1h'))", '2024-07-01T01:30:00.5-02:30'],
    ["url('https://a.b/c?d=e#f').getQuery()", { d: ['e'] }],
    ["duration('1h30m5.5s').getSeconds()", 5405],
    ["string(duration('1.5s')) + string(timestamp('2020-01-02T03:04:05Z'))", '1.5s2020-01-02T03:04:05Z'],
    ["int('42') + int(3.9) + int(2u) + int(timestamp('1970-01-01T00:00:10Z'))", 57],
    ["double('1.5') + double(2)", 3.5],
    ["[string(1.0), string(1e21), string(0.00001), string(1.5e-7), string(true), string(b'abc')]", ['1', '1e+21', '1e-05', '1.5e-07', 'true', 'abc']],
    ["bool('true') && !bool('f')", true],
    ["type(1) == int && type([]) == list && type(type(1)) == type && type({'a': 1}) == map && type(null) == null_type", true],
    ['self.list.map(x, x.n)', [1, 2], { list: [{ n: 1 }, { n: 2 }] }],
    ['self.`a-b`.c', 1, { 'a-b': { c: 1 } }],
    ['// a comment\n1 + 1', 2],
  ];
  it.each(cases.map(([source, want, self = {}]) => ({ source, want, self })))('$source is $want', ({ source, want, self }) => {
    expect(run(source, self)).toEqual(want);
  });

  it.each([
    ['9223372036854775807 + 1', '!integer overflow'],
    ['-9223372036854775808 - 1', '!integer overflow'],
    ['-(-9223372036854775808)', '!integer overflow'],
    ['0u - 1u', '!unsigned integer overflow'],
    ['1 / 0', '!division by zero'],
    ['1 % 0', '!modulus by zero'],
    ['1.0 / 0.0 > 1.0', true],
    ['[1][1]', '!index out of bounds: 1'],
    ['[1][-1]', '!index out of bounds: -1'],
    ["{'a': 1}['b']", '!no such key: b'],
    ['self.a.b', '!no such key: a'],
    ["{'a': 1, 'a': 2}", '!insert failed: key a already exists'],
    ["dyn('a') + 1", '!no such overload'],
    ["int('x')", "!type conversion error from 'string' to 'int'"],
    ['int(1e300)', '!integer overflow'],
    ["timestamp('9999-12-31T23:59:59Z') + duration('1s')", '!timestamp overflow'],
    ["'a'.charAt(3)", '!index out of range: 3'],
    ['optional.none().value()', '!optional.none() dereference'],
    ['[].max() == 1', '!max called on empty list'],
  ])('%s fails with %s', (source, want) => {
    expect(run(source)).toEqual(want);
  });

  it.each([
    ['false && 1 / 0 > 0', false],
    ['1 / 0 > 0 && false', false],
    ['1 / 0 > 0 || true', true],
    ['[1, 0].exists(x, 1 / x > 0)', true],
    ['[0, 1].exists(x, 1 / x > 0)', true],
    ['[0, 5].all(x, 1 / x > 0)', false],
    ['[0].all(x, 1 / x > 0)', '!division by zero'],
    ['false ? 1 / 0 : 2', 2],
  ])('errors are absorbed: %s is %j', (source, want) => {
    expect(run(source)).toEqual(want);
  });
});

describe('the compiler', () => {
  it.each([
    ['1 +', "?1:4: Syntax error: mismatched input '<EOF>' expecting"],
    ['1 # 2', "?1:3: Syntax error: token recognition error at: '#'"],
    ['foo', "?1:1: undeclared reference to 'foo' (in container '')"],
    ['self.foo()', "?1:9: undeclared reference to 'foo' (in container '')"],
    ["1 + 'a'", "?1:3: found no matching overload for '_+_' applied to '(int, string)'"],
    ["'a'.startsWith(1)", "?1:15: found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ['1 == 1.0', "?1:3: found no matching overload for '_==_' applied to '(int, double)'"],
    ['timestamp(-62135596801) == null', '?1:11: invalid timestamp argument'],
    ["'a'.findAll(')', 1) == []", '?1:13: error parsing regexp: unexpected ): `)`'],
    ["[1, 'a']", "?1:5: expected type 'int' but found 'string'"],
    ["{'a': 1, 'b': 'c'}", "?1:15: expected type 'int' but found 'string'"],
    ['1.all(x, x > 0)', "?1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"],
    ['[1].all(x.y, true)', '?1:10: argument must be a simple name'],
    ['has(1)', '?1:5: invalid argument to has() macro'],
    ["'a'.b", "?1:4: type 'string' does not support field selection"],
    ['package', '?1:1: reserved identifier: package'],
    ['self.namespace()', "?1:15: found no matching overload for 'namespace' applied to 'dyn.()'"],
    ['99999999999999999999', '?1:1: invalid int literal'],
    ["'a'.matches('(')", '?1:13: invalid matches argument'],
    ["duration('x')", '?1:10: invalid duration argument'],
    ['[1, 2].transformList(i, i, i)', '?1:25: duplicate variable name: i'],
    [`${'('.repeat(300)}1${')'.repeat(300)}`, '?1:251: expression recursion limit exceeded: 250'],
  ])('%s', (source, want) => {
    expect(run(source)).toEqual(expect.stringContaining(want));
  });

  it('marks the place', () => {
    expect(compile('1 +\n  self.x.y()', { variables: { self: DYN } })).toEqual({
      ok: false,
      message: "ERROR: <input>:2:11: undeclared reference to 'y' (in container '')\n |   self.x.y()\n | ..........^",
    });
  });

  it('knows variables with a dot in their name', () => {
    const compiled = compile('a.b + 1', { variables: { 'a.b': INT, a: DYN } });
    expect(compiled.ok && [...compiled.program.references].toSorted()).toEqual(['a', 'a.b']);
    expect(compiled.ok && evaluate(compiled.program, (name) => (name === 'a.b' ? 2n : undefined), LIMIT)).toMatchObject({ value: 3n });
  });

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (source) => void run(source)));
    const word = fc.constantFrom(
      'self',
      '.',
      'a',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '1',
      "'x'",
      '+',
      '&&',
      '?',
      ':',
      'all',
      ',',
      '-',
      '!',
      'in',
      '==',
      'has',
      'optMap',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25 }), (words) => void run(words.join(' '))),
      { numRuns: 2_000 },
    );
  });
});

describe('macros', () => {
  it.each([
    ['[1, 2, 3].all(x, x > 0)', true],
    ["{'a': 1}.exists(k, k == 'a')", true],
    ['[1, 2, 2].exists_one(x, x == 2)', false],
    ['[1, 2, 3].map(x, x % 2 == 1, x * 2)', [2, 6]],
    ['[1, 2, 3].filter(x, x > 1)', [2, 3]],
    ['[[1, 2], [3]].map(l, l.map(x, x + 1))', [[2, 3], [4]]],
    ['[1, 2].map(x, [3].map(x, x))', [[3], [3]]],
    ['[3, 4].all(i, v, v == i + 3)', true],
    ["{'a': 1}.exists(k, v, k == 'a' && v == 1)", true],
    ['[3, 4].existsOne(i, v, v == 3)', true],
    ['[3, 4].transformList(i, v, v > 3, i * 10 + v)', [14]],
    ["{'a': 1, 'b': 2}.transformMap(k, v, v * 2)", { a: 2, b: 4 }],
    ["{'a': 1, 'b': 2}.transformMap(k, v, k == 'b', v * 2)", { b: 4 }],
    ["has({'a': 1}.a) && !has({'a': 1}.b)", true],
    ['optional.of(1).optMap(x, x + 1).value()', 2],
    ['optional.of(1).optFlatMap(x, optional.none()).hasValue()', false],
  ])('%s is %j', (source, want) => {
    expect(run(source)).toEqual(want);
  });

  it('build lists in linear time and cost', () => {
    const compiled = compile('self.map(x, x + 1).filter(x, x % 2 == 0).size()', { variables: { self: DYN } });
    const numbers = Array.from({ length: 20_000 }, (_, index) => index);
    expect(compiled.ok && evaluate(compiled.program, () => adapt(numbers), 10 * LIMIT)).toMatchObject({ kind: 'value', value: 10_000n });
  });

  it('agree with the same fold in JavaScript', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 12 }), (numbers) => {
        expect(run('self.all(x, x > 0)', numbers)).toBe(numbers.every((x) => x > 0));
        expect(run('self.exists(x, x > 10)', numbers)).toBe(numbers.some((x) => x > 10));
        expect(run('self.filter(x, x > 0).map(x, x * 2)', numbers)).toEqual(numbers.filter((x) => x > 0).map((x) => x * 2));
        if (numbers.length > 0) expect(run('[self.max(), self.min()]', numbers)).toEqual([Math.max(...numbers), Math.min(...numbers)]);
      }),
    );
  });
});

describe('the libraries of Kubernetes', () => {
  it.each([
    ['[1, 3, 3].isSorted() && ![2, 1].isSorted()', true],
    ["[duration('1m'), duration('1s')].sum() == duration('61s')", true],
    ['[1.5, 2.5].sum()', 4],
    ["['b', 'a'].min() + ['b', 'a'].max()", 'ab'],
    ['[1, 2, 2].indexOf(2) * 10 + [1, 2, 2].lastIndexOf(2)', 12],
    ["'abc 123'.find('[0-9]+')", '123'],
    ["'1 22 333'.findAll('[0-9]+', 2)", ['1', '22']],
    ["url('https://user@example.com:80/a%20b?x=1&x=2&y=').getQuery()", { x: ['1', '2'], y: [''] }],
    ["url('https://[::1]:443/').getHostname() + url('https://a.b:1/c').getPort()", '::11'],
    ["url('/path/x').getEscapedPath() + url('HTTP://a').getScheme()", '/path/xhttp'],
    ["isURL('https://a') && !isURL('../rel')", true],
    ["ip('2001:db8:0:0:0:0:0:1') == ip('2001:db8::1') && ip('10.0.0.1').family() == 4", true],
    ["ip.isCanonical('2001:DB8::1')", false],
    ["isIP('1.2.3.4') && !isIP('01.2.3.4') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')", true],
    ["ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.5').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast()", true],
    ["cidr('10.0.0.0/8').containsIP('10.9.9.9') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", true],
    ["cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", true],
    ["string(cidr('192.168.1.7/24').masked()) + string(cidr('192.168.1.7/24').ip())", '192.168.1.0/24192.168.1.7'],
    ["cidr('::/0').prefixLength()", 0],
    ["quantity('1500m').add(quantity('500m')).asInteger() + quantity('1k').sub(1).asInteger()", 1001],
    ["quantity('1Gi').compareTo(quantity('1024Mi')) == 0 && quantity('1Gi') == quantity('1024Mi')", true],
    ["isQuantity('1.3Zi') || quantity('-3').sign() == -1", true],
    ["quantity('50m').isInteger() || quantity('50m').asApproximateFloat() == 0.05", true],
    ["semver('1.0.0-rc.1').isLessThan(semver('1.0.0')) && semver('v1.2', true).minor() == 2", true],
    ["isSemver('1.2') || isSemver('1.2', true)", true],
    ["semver('1.10.0').compareTo(semver('1.9.0'))", 1],
    ["format.named('dns1123Label').value().validate('ok').hasValue()", false],
    ["format.labelValue().validate('-').value().size()", 1],
    ["format.uuid().validate('x').value()", ['does not match the UUID format']],
    ["'Abc'.lowerAscii() + 'Abc'.upperAscii() + ' x '.trim() + 'abc'.reverse()", 'abcABCxcba'],
    ["'tacocat'.indexOf('c', 3) + 'tacocat'.lastIndexOf('ac')", 5],
    ["'a-b-c'.replace('-', '+', 1) + 'ab'.replace('', '.')", 'a+b-c.a.b.'],
    ["'a b c'.split(' ', 2) + 'ab'.split('')", ['a', 'b c', 'a', 'b']],
    ["strings.quote('a\"\\n')", '"a\\"\\n"'],
    [
      "'%s|%d|%.1f|%e|%x|%X|%o|%b|%%'.format([dyn('a'), dyn(5), dyn(2.25), dyn(1000.0), dyn(255), dyn('hi'), dyn(8), dyn(5)])",
      'a|5|2.2|1.000000×10⁰³|ff|6869|10|101|%',
    ],
    ["'%f %.2f %f %e'.format([1234567.5, -12.0, 1.0 / 0.0, 0.00015])", '1,234,567.500000 -12.00 ∞ 1.500000×10⁻⁰⁴'],
    ["'%s is over %d'.format(['a', 3])", 'a is over 3'],
    ["{'a': 1}.transformMapEntry(k, v, {k + 'b': v})", { ab: 1 }],
    ['dyn([1.0, 2.0]).sum() == 3.0', true],
    ["'%.0f %.0f %.1f %.2f %.3f'.format([2.5, -3.5, 0.25, 1.005, 1.0])", '2 -4 0.2 1.00 1.000'],
    ["'\\u0085\\ufeff \\u2003'.trim() == '\\ufeff'", true],
    ["'%s %s %s'.format([dyn([dyn(1), dyn('a')]), dyn({'b': 1}), dyn(duration('1s'))])", '[1, a] {b: 1} 1s'],
    ['sets.contains([1, 2, 3], [3, 1]) && sets.equivalent([1, 2], [2, 1, 1]) && sets.intersects([1], [1, 2])', true],
    ["self.?a.?b.orValue('x') + {'k': 'v'}[?'k'].value() + [1][?5].or(optional.of(7)).optMap(v, string(v)).value()", 'xv7'],
    ['[?optional.of(1), ?optional.none(), 3]', [1, 3]],
    ["{?'a': optional.none(), 'b': 1}", { b: 1 }],
  ])('%s is %j', (source, want) => {
    expect(run(source)).toEqual(want);
  });
});

describe('regular expressions', () => {
  it('take linear time', () => {
    const text = 'a'.repeat(20_000);
    expect(run("self.s.matches('^(a+)+$') && !self.t.matches('^(a+)+$')", { s: text, t: `${text}!` })).toBe(true);
  });

  it('are RE2', () => {
    expect(run("'x'.matches(self.p)", { p: '(?=x)' })).toEqual(expect.stringContaining('!'));
    expect(run("'ABC'.matches('(?i)^abc$') && 'x\\ny'.matches('(?s)x.y')")).toBe(true);
  });
});
