import { measure } from '../go/measure.ts';
import { goMap } from '../go/value.ts';
import { readToml } from '../toml/read-toml.ts';
import { writeToml } from '../toml/write-toml.ts';
import { asString, define, type FunctionGroup } from './define.ts';

/** Helm's TOML functions: errors are answered as text, except by the `must` form. */
export const toml: FunctionGroup = {
  toToml: define('any', ([value], context) => {
    measure(value ?? null);
    const text = answered(() => writeToml(value ?? null));
    context.spend(text.length);
    return text;
  }),
  mustToToml: define('any', ([value]) => writeToml(value ?? null)),
  fromToml: define('string', ([text]) => {
    try {
      return readToml(asString(text));
    } catch (error) {
      if (!(error instanceof Error) || error instanceof RangeError) throw error;
      return goMap([['Error', error.message]]);
    }
  }),
};

function answered(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    return error.message;
  }
}
