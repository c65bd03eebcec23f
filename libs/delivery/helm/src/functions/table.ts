import type { FunctionTable } from '../template/function-table.ts';
import { builtins } from './builtins.ts';
import { defaults } from './defaults.ts';
import { dicts } from './dicts.ts';
import { helm } from './helm.ts';
import { lists } from './lists.ts';
import { strings } from './strings.ts';

/** Every function a Helm template may call. One table for the process: compiled templates are cached by it. */
export const helmFunctions: FunctionTable = new Map(
  [builtins, strings, lists, dicts, defaults, helm].flatMap((group) => Object.entries(group)),
);
