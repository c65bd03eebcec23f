import { fail } from '../kustomize-error.ts';
import { clearField, contentField, getField, setItem } from '../yaml/fields.ts';
import { isMissing, type RNode } from '../yaml/rnode.ts';

/** What a patch wants done with the map or list it stands in. */
export type Directive = 'merge' | 'replace' | 'delete';

const KEY = '$patch';

function isDirective(text: string): text is Directive {
  return text === 'merge' || text === 'replace' || text === 'delete';
}

/** Reads the `$patch` of a patch's node and takes it out of the node (kyaml v0.21 merge2/smpdirective.go). Throws where it is unknown. */
export function takeDirective(patch: RNode | undefined): Directive {
  if (patch === undefined) return 'merge';
  if (patch.kind === 'list') return takeFromList(patch);
  if (patch.kind === 'map') return takeFromMap(patch);
  return fail(`no implemented strategic merge patch strategy for '${patch.tag}'`);
}

function takeFromMap(patch: RNode): Directive {
  const value = getField(patch, KEY);
  if (value === undefined) return 'merge';
  const text = value.value;
  if (!isDirective(text)) return fail(`unknown patch strategy '${text}'`);
  clearField(patch, KEY);
  return text;
}

// An item of a list that holds nothing but the directive speaks for the list.
function takeFromList(patch: RNode): Directive {
  const item = patch.content.find((candidate) => !isMissing(candidate) && candidate.kind === 'map' && contentField(candidate.content, KEY) !== undefined);
  if (item === undefined || item.content.length > 2) return 'merge';
  const text = contentField(item.content, KEY)?.value ?? '';
  if (!isDirective(text)) return fail(`unknown patch strategy '${text}'`);
  setItem(patch, undefined, [KEY], [text]);
  return text;
}
