import { runtimeError, type Machine } from '../machine.ts';
import { escapeJson, formatNumber, toText, writeJson, type JsonLayout } from '../manifest.ts';
import { JsonnetArray, JsonnetFunction, JsonnetObject, typeOf, type Value } from '../value.ts';
import { ABSENT, arr, bool, fn, obj, str, type StdFunctions } from './define.ts';
import { writeToml } from './toml.ts';
import { writeYaml } from './yaml.ts';

const layout = (indent: string, newline: string, separator: string): JsonLayout => ({ indent, newline, separator });

/** Values as text in other languages. */
export const manifestFunctions: StdFunctions = {
  manifestJson: fn('value', ({ machine }, value) => writeJson(machine, value.force(), layout('    ', '\n', ': '))),
  manifestJsonMinified: fn('value', ({ machine }, value) => writeJson(machine, value.force(), layout('', '', ':'))),
  manifestJsonEx: fn('value indent newline= key_val_sep=', ({ machine }, value, indent, newline, separator) =>
    writeJson(machine, value.force(), layout(str(indent), newline === ABSENT ? '\n' : str(newline), separator === ABSENT ? ': ' : str(separator))),
  ),
  manifestYamlDoc: fn('value indent_array_in_object= quote_keys=', ({ machine }, value, indents, quotes) =>
    writeYaml(machine, value.force(), { indentsArrays: indents !== ABSENT && bool(indents), quotesKeys: quotes === ABSENT || bool(quotes) }),
  ),
  manifestYamlStream: fn('value indent_array_in_object= c_document_end= quote_keys=', ({ machine }, value, indents, ends, quotes) => {
    const options = { indentsArrays: indents !== ABSENT && bool(indents), quotesKeys: quotes === ABSENT || bool(quotes) };
    const documents = arr(value)
      .values()
      .map((document) => writeYaml(machine, document, options));
    return `---\n${documents.join('\n---\n')}${ends === ABSENT || bool(ends) ? '\n...\n' : '\n'}`;
  }),
  manifestIni: fn('ini', ({ machine }, ini) => writeIni(machine, obj(ini))),
  manifestPython: fn('v', ({ machine }, v) => writePython(machine, v.force())),
  manifestPythonVars: fn('conf', ({ machine }, conf) =>
    obj(conf)
      .names(false)
      .map((name) => `${name} = ${writePython(machine, obj(conf).get(name))}\n`)
      .join(''),
  ),
  manifestXmlJsonml: fn('value', ({ machine }, value) => writeXml(machine, value.force())),
  manifestToml: fn('value', ({ machine }, value) => writeToml(machine, obj(value), '  ')),
  manifestTomlEx: fn('value indent', ({ machine }, value, indent) => writeToml(machine, obj(value), str(indent))),
};

function writeIni(machine: Machine, ini: JsonnetObject): string {
  const lines = (section: JsonnetObject): string[] =>
    section.names(false).flatMap((name) => {
      const value = section.get(name);
      const values = value instanceof JsonnetArray ? value.values() : [value];
      return values.map((item) => `${name} = ${toText(machine, item)}`);
    });
  const main = ini.has('main') ? ini.get('main') : null;
  const sections = ini.get('sections');
  if (!(sections instanceof JsonnetObject)) throw runtimeError(`Unexpected type ${typeOf(sections)}, expected object`);
  const all = sections.names(false).flatMap((name) => {
    const section = sections.get(name);
    if (!(section instanceof JsonnetObject)) throw runtimeError(`Unexpected type ${typeOf(section)}, expected object`);
    return [`[${name}]`, ...lines(section)];
  });
  return [...(main instanceof JsonnetObject ? lines(main) : []), ...all].map((line) => `${line}\n`).join('');
}

function writePython(machine: Machine, value: Value): string {
  const inner = (item: Value): string => machine.enter(() => writePython(machine, item));
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return escapeJson(value);
  if (value instanceof JsonnetFunction) throw runtimeError('cannot manifest function');
  if (value instanceof JsonnetArray)
    return `[${value
      .values()
      .map((item) => inner(item))
      .join(', ')}]`;
  return `{${value
    .names(false)
    .map((name) => `${escapeJson(name)}: ${inner(value.get(name))}`)
    .join(', ')}}`;
}

// JsonML: [tag, attributes?, ...children]. Nothing is escaped, as upstream has it.
function writeXml(machine: Machine, value: Value): string {
  if (typeof value === 'string') return value;
  if (!(value instanceof JsonnetArray)) throw runtimeError(`Expected a JSONML value (an array), got ${typeOf(value)}`);
  const [tag = null, ...rest] = value.values();
  const [attributes] = rest;
  const shown = attributes instanceof JsonnetObject ? attributes.names(false).map((name) => ` ${name}="${toText(machine, attributes.get(name))}"`) : [];
  const children = (attributes instanceof JsonnetObject ? rest.slice(1) : rest).map((child) => machine.enter(() => writeXml(machine, child)));
  return `<${toText(machine, tag)}${shown.join('')}>${children.join('')}</${toText(machine, tag)}>`;
}
