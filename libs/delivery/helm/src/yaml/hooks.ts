import type { YamlHooks } from '../template/function-table.ts';
import { readYaml } from './read-yaml.ts';
import { writeYaml, writeYamlPretty } from './write-yaml.ts';

/** YAML as the template functions use it: `toYaml` without the final line break, errors with Go's messages. */
export const helmYaml: YamlHooks = {
  toYaml: (value) => writeYaml(value).replace(/\n$/, ''),
  toYamlPretty: (value) => writeYamlPretty(value).replace(/\n$/, ''),
  fromYaml: readYaml,
};
