import { describe, expect, it } from 'vitest';
import { fromJson, goInt64, goMap, type GoValue } from '../go/value.ts';
import { Budget } from '../template/budget.ts';
import type { FunctionEnvironment } from '../template/function-table.ts';
import { createTemplateSet } from '../template/template-set.ts';
import { helmFunctions } from './table.ts';

const environment: FunctionEnvironment = {
  yaml: { toYaml: () => 'yaml', toYamlPretty: () => 'pretty', fromYaml: () => goMap() },
  nowMs: () => 0,
  randomBytes: (length) => new Uint8Array(length).fill(7),
};

function render(
  text: string,
  data: GoValue = fromJson({ n: 1_000_000, half: 0.5, list: [1, 'a', null], map: { b: 1, a: { c: true } }, text: 'hello' }),
): string {
  const set = createTemplateSet({ functions: helmFunctions, environment, budget: new Budget() });
  set.parse('t', text);
  return set.execute('t', data);
}

function failure(text: string): string {
  try {
    render(text);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'no error';
}

describe('numbers', () => {
  it.each([
    ['{{ .n }}', '1e+06'],
    ['{{ int .n }}', '1000000'],
    ['{{ .n | int64 }}', '1000000'],
    ['{{ int "0x10" }} {{ int "010" }} {{ int "08" }} {{ int "1_000" }} {{ int "1.0" }} {{ int "1.9" }} {{ int " 5" }}', '16 8 0 1000 1 0 0'],
    ['{{ float64 "1e3" }}', '1000'],
    ['{{ add 1 2.9 "3" }} {{ sub 1 2 }} {{ mod 7 3 }} {{ div 7 2 }}', '6 -1 1 3'],
    ['{{ addf 1.1 2.2 }} {{ divf 1 3 }} {{ mulf 3 1.1 }}', '3.3 0.3333333333333333 3.3'],
    ['{{ round 3.14159 2 }} {{ ceil 1.2 }} {{ floor -1.2 }}', '3.14 2 -2'],
    ['{{ toDecimal "0777" }} {{ atoi "12" }} {{ atoi "x" }}', '511 12 0'],
    ["{{ 0x1F }} {{ 1_000 }} {{ 1e3 }} {{ 'a' }} {{ 0b101 }} {{ 0o17 }}", '31 1000 1000 97 5 15'],
    [
      '{{ printf "%d %s %05.1f %x %q %v %T %t %-4d|%+d %03d %c %U" 3 "x" 2.25 255 "q" (list 1 "a") .n true 7 5 9 65 128512 }}',
      '3 x 002.2 ff "q" [1 a] float64 true 7   |+5 009 A U+1F600',
    ],
    [
      '{{ printf "%d" .n }} {{ printf "%s" 1 }} {{ printf "%d" }} {{ printf "x" 1 }} {{ printf "%s" nil }} {{ printf "%" }}',
      '%!d(float64=1e+06) %!s(int=1) %!d(MISSING) x%!(EXTRA int=1) %!s(<nil>) %!(NOVERB)',
    ],
    ['{{ printf "%[2]s %[1]s" "a" "b" }} {{ printf "%*d" 4 7 }}', 'b a    7'],
    ['{{ print 1 2 "a" "b" 3 }}', '1 2ab3'],
  ])('%s', (text, wanted) => {
    expect(render(text)).toBe(wanted);
  });
});

describe('nil, maps and lists', () => {
  it.each([
    ['{{ .missing }}|{{ (.missing).deep }}', '<no value>|<no value>'],
    ['{{ with .missing }}x{{ else }}y{{ end }}', 'y'],
    ['{{ default true false }} {{ default "d" .missing }} {{ empty 0.0 }} {{ coalesce 0 "" "z" }}', 'true d true z'],
    ['{{ eq nil nil }} {{ eq "x" nil }} {{ ne 1 2 }} {{ eq 1 2 1 }} {{ lt 1 2 }}', 'true false true true true'],
    ['{{ and false (fail "x") }} {{ or 0 "a" }} {{ and 1 "b" }}', 'false a b'],
    ['{{ .map }} {{ .list }}', 'map[a:map[c:true] b:1] [1 a <nil>]'],
    ['{{ toJson .map }} {{ list | toJson }} {{ list | rest | toJson }}', '{"a":{"c":true},"b":1} [] null'],
    ['{{ range $k, $v := .map }}{{ $k }};{{ end }}{{ range $i, $e := .list }}{{ $i }}{{ end }}{{ range 3 }}{{ . }}{{ end }}', 'a;b;012012'],
    ['{{ range .list }}{{ if eq (kindOf .) "string" }}{{ continue }}{{ end }}{{ . }}{{ break }}{{ end }}', '1'],
    ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}', '2'],
    ['{{ (split "." "a.b")._1 }}[{{ (split "." "a.b")._7 }}]', 'b[]'],
    [
      '{{ mergeOverwrite (dict "a" 1 "b" 2) (dict "a" 0 "b" "") | toJson }} {{ merge (dict "a" 0 "m" (dict)) (dict "a" 5 "m" (dict "k" 1)) | toJson }}',
      '{"a":0,"b":""} {"a":5,"m":{"k":1}}',
    ],
    ['{{ has 2 (list 1 2) }} {{ has 1 .list }}', 'true false'],
    ['{{ typeOf .list }} {{ typeOf 1 }} {{ kindOf .missing }} {{ typeOf nil }}', '[]interface {} int invalid <nil>'],
    ['{{ index .map "a" "c" }} {{ index .list 1 }} {{ len "häh" }} {{ slice .list 1 2 }}', 'true a 4 [a]'],
    ['{{ dig "a" "c" "none" .map }} {{ dig "a" "x" "none" .map }}', 'true none'],
  ])('%s', (text, wanted) => {
    expect(render(text)).toBe(wanted);
  });
});

describe('text', () => {
  it.each([
    ['{{ trunc 3 "häh" }}', 'hä'],
    ['{{ quote "a\\"b" 1 nil "é\\u0007" }} {{ squote "it\'s" }}', String.raw`"a\"b" "1" "é\a" 'it's'`],
    ['{{ "a\\n\\nb" | indent 2 }}', '  a\n  \n  b'],
    [
      '{{ snakecase "HTTPServer" }} {{ kebabcase "FirstName" }} {{ camelcase "http_server" }} {{ title "foo-bar baz" }}',
      'http_server first-name HttpServer Foo-Bar Baz',
    ],
    [
      '{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W" }} {{ regexSplit "z+" "pizza" -1 }}',
      '-W-xxW- --- [pi a]',
    ],
    ['{{ regexMatch "(" "x" }} {{ regexFind "[a-z]+" "12ab" }} {{ regexFindAll "[2,4,6,8]" "123456789" -1 }}', 'false ab [2 4 6 8]'],
    ['{{ semverCompare ">=1.14.0-0" "v1.31.4-gke.1" }} {{ semverCompare ">=1.14.0" "1.31.4-gke.1" }} {{ (semver "1.2").Minor }}', 'true false 2'],
    ['{{ b64dec "!!" }} {{ "x" | b64enc | b64dec }}', 'illegal base64 data at input byte 0 x'],
    ['{{ toToml .map }}', 'b = 1.0\n\n[a]\n  c = true\n'],
    ['{{ (fromToml "a = 1\\n[b]\\nc = [1, 2.5, \\"x\\"]\\n").b.c }} {{ (fromToml "a = [").Error }}', '[1 2.5 x] toml: line 1: expected a value'],
    ['{{ (fromJson "[1]").Error }}', 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['{{ toDate "2006-01-02" "2020-02-29" | date "Monday, _2 Jan 2006 15:04:05.000 -0700" }}', 'Saturday, 29 Feb 2020 00:00:00.000 +0000'],
    ['{{ (toDate "2006-01-02" "2020-02-29" | dateModify "36h").Unix }} {{ now | date "2006" }}', '1583064000 1970'],
    ['{{ dateInZone "15:04 MST -07:00" (toDate "2006-01-02" "2020-07-01") "America/New_York" }}', '20:00 EDT -04:00'],
  ])('%s', (text, wanted) => {
    expect(render(text)).toBe(wanted);
  });
});

describe('errors', () => {
  it.each([
    ['{{ .map.x.y }}', 'template: t:1:7: executing "t" at <.map.x.y>: nil pointer evaluating interface {}.y'],
    ['{{ .text.y }}', `template: t:1:8: executing "t" at <.text.y>: can't evaluate field y in type interface {}`],
    ['{{ upper 5 }}', 'template: t:1:9: executing "t" at <5>: expected string; found 5'],
    ['{{ upper .n }}', 'template: t:1:9: executing "t" at <.n>: wrong type for value; expected string; got float64'],
    ['{{ upper .missing }}', 'template: t:1:9: executing "t" at <.missing>: wrong type for value; expected string; got interface {}'],
    ['{{ .n | upper }}', 'template: t:1:8: executing "t" at <upper>: wrong type for value; expected string; got float64'],
    ['{{ eq 1 1.5 }}', 'template: t:1:3: executing "t" at <eq 1 1.5>: error calling eq: incompatible types for comparison: int and float64'],
    ['{{ range .n }}{{ end }}', `template: t:1:9: executing "t" at <.n>: range can't iterate over 1e+06`],
    ['{{ div 1 0 }}', 'template: t:1:3: executing "t" at <div 1 0>: error calling div: runtime error: integer divide by zero'],
    [
      '{{ include "none" . }}',
      'template: t:1:3: executing "t" at <include "none" .>: error calling include: template: no template "none" associated with template "gotpl"',
    ],
    ['{{ template "none" . }}', 'template: t:1:12: executing "t" at <{{template "none" .}}>: template "none" not defined'],
    ['{{ required "need it" .missing }}', 'template: t:1:3: executing "t" at <required "need it" .missing>: error calling required: need it'],
    ['{{ index .list 9 }}', 'template: t:1:3: executing "t" at <index .list 9>: error calling index: index out of range: 9'],
    ['{{ nofunc }}', 'template: t:1: function "nofunc" not defined'],
    ['{{ $x }}', 'template: t:1: undefined variable "$x"'],
    ['{{ if }}{{ end }}', 'template: t:1: missing value for if'],
    ['{{ if true }}', 'template: t:1: unexpected EOF'],
    ['{{ end }}', 'template: t:1: unexpected {{end}}'],
    ['{{ "a', 'template: t:1: unterminated quoted string'],
    ['{{ 1 | 2 }}', 'template: t:1: non executable command in pipeline stage 2'],
    ['{{ (1 }}', 'template: t:1: unclosed left paren'],
    ['{{/* a', 'template: t:1: unclosed comment'],
    ['{{ break }}', 'template: t:1: {{break}} outside {{range}}'],
    ['{{define "a"}}x{{end}}{{define "a"}}y{{end}}', 'template: t:1: template: multiple definition of template "a"'],
  ])('%s', (text, wanted) => {
    expect(failure(text)).toBe(wanted);
  });
});

describe('budget', () => {
  it.each([
    ['{{ range until 100000000 }}{{ end }}'],
    ['{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}'],
    ['{{ repeat 1000000000 "xxxxxxxxxx" }}'],
    ['{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}'],
    ['{{ define "t2" }}{{ tpl .text . }}{{ end }}{{ $d := dict "text" "" }}{{ $_ := set $d "text" "{{ include \\"t2\\" . }}" }}{{ include "t2" $d }}'],
  ])('stops %s', (text) => {
    const set = createTemplateSet({ functions: helmFunctions, environment, budget: new Budget({ steps: 200_000, outputBytes: 10_000_000, depth: 300 }) });
    set.parse('t', text);
    expect(() => set.execute('t', goMap())).toThrow(/render stopped/);
  });

  it('stops a set that contains itself', () => {
    for (const use of ['toJson $d', 'toYaml $d', 'print $d', 'deepCopy $d', 'toToml $d', 'merge (dict) $d', 'join "" (list $d)', 'quote $d']) {
      expect(failure(`{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ ${use} }}`), use).toMatch(/render stopped/);
    }
  });

  it('stops a value that doubles at every level', () => {
    const grow = '{{ $s := dict "v" (dict "a" 1) }}{{ range until 60 }}{{ $_ := set $s "v" (dict "l" $s.v "r" $s.v) }}{{ end }}';
    for (const use of ['$s.v', 'toJson $s.v', 'toYaml $s.v', 'deepCopy $s.v', 'eq 1 (len (list $s.v | uniq)) | print ($s.v | toString)']) {
      expect(failure(`${grow}{{ ${use} }}`), use).toMatch(/render stopped/);
    }
  });
});

describe('integers of --set', () => {
  it('are int64', () => {
    expect(render('{{ typeOf .a }} {{ .a }} {{ eq .a 3 }}', goMap([['a', goInt64(3)]]))).toBe('int64 3 true');
  });
});
