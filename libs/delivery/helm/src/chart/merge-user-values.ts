import { fromJson, GoMap } from '../go/value.ts';
import { copyValues } from './coalesce.ts';
import { atStage } from './helm-error.ts';
import type { HelmCompat } from './load-chart.ts';
import { setLiteral, setValues } from './set-values.ts';
import { mergeMaps, readValues } from './user-values.ts';

/** The user's values as flags give them, in Helm's order: files, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`. */
export interface UserValueFlags {
  readonly files?: readonly { readonly path: string; readonly text: string }[];
  readonly setJson?: readonly string[];
  readonly set?: readonly string[];
  readonly setString?: readonly string[];
  /** Lines of `--set-file` and how the files they name are read. */
  readonly setFile?: readonly string[];
  readonly readFile?: (path: string) => string;
  readonly setLiteral?: readonly string[];
  readonly compat?: HelmCompat;
}

/** Merges the user's values. Throws HelmError of stage `values` with Helm's words. */
export function mergeUserValues(flags: UserValueFlags): GoMap {
  let values = new GoMap();
  for (const { path, text } of flags.files ?? []) {
    values = mergeMaps(
      values,
      atStage(
        'values',
        () => readValues(text, flags.compat ?? 'helm4'),
        (message) => `failed to parse ${path}: ${message}`,
      ),
    );
  }
  // Lines are set in place: what was read must not be shared.
  values = copyValues(values);
  for (const line of flags.setJson ?? []) values = setJson(line, values);
  const each = (lines: readonly string[] | undefined, flag: string, apply: (line: string) => void): void => {
    for (const line of lines ?? [])
      atStage(
        'values',
        () => apply(line),
        (message) => `failed parsing ${flag} data: ${message}`,
      );
  };
  each(flags.set, '--set', (line) => setValues(line, values));
  each(flags.setString, '--set-string', (line) => setValues(line, values, 'string'));
  each(flags.setFile, '--set-file', (line) => setValues(line, values, (path) => flags.readFile?.(path) ?? ''));
  each(flags.setLiteral, '--set-literal', (line) => setLiteral(line, values));
  return values;
}

function setJson(line: string, values: GoMap): GoMap {
  return atStage(
    'values',
    () => {
      if (!line.trim().startsWith('{')) {
        setValues(line, values, 'json');
        return values;
      }
      const whole = fromJson(JSON.parse(line));
      return whole instanceof GoMap ? mergeMaps(values, whole) : values;
    },
    () => `failed parsing --set-json data ${line}`,
  );
}
