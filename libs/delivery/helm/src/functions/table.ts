import type { FunctionTable } from '../template/function-table.ts';
import { builtins } from './builtins.ts';
import { certificates } from './certificates.ts';
import { dates } from './dates.ts';
import { defaults } from './defaults.ts';
import { dicts } from './dicts.ts';
import { encoding } from './encoding.ts';
import { helm } from './helm.ts';
import { lists } from './lists.ts';
import { numbers } from './numbers.ts';
import { passwords } from './passwords.ts';
import { paths } from './paths.ts';
import { random } from './random.ts';
import { regex } from './regex.ts';
import { semver } from './semver.ts';
import { strings } from './strings.ts';
import { toml } from './toml.ts';
import { urls } from './urls.ts';

/** Every function a Helm template may call. One table for the process: compiled templates are cached by it. */
export const helmFunctions: FunctionTable = new Map(
  [builtins, strings, lists, dicts, defaults, dates, certificates, numbers, encoding, regex, semver, random, passwords, paths, urls, toml, helm].flatMap(
    (group) => Object.entries(group),
  ),
);
