import { overloads, type Overload } from '../overload.ts';
import { findAllRegex } from '../regex.ts';
import { CelList } from '../value.ts';
import { regexCost, sizeAt } from './cost-rules.ts';

const estimate: typeof regexCost.estimate = (args) => ({ ...regexCost.estimate(args), resultSize: { min: 0, max: sizeAt(args, 0).max } });

/** Kubernetes' `find` and `findAll` (apiserver pkg/cel/library/regex.go). */
export const REGEXES: readonly Overload[] = [
  ...overloads('find', ['string.(string): string'], {
    cost: regexCost.cost,
    estimate,
    run: ([text, pattern]) => findAllRegex(String(pattern), String(text), 1)[0] ?? '',
  }),
  ...overloads('findAll', ['string.(string): list(string)', 'string.(string, int): list(string)'], {
    cost: regexCost.cost,
    estimate,
    run: ([text, pattern, limit]) => {
      const most = limit === undefined || Number(limit) < 0 ? Infinity : Number(limit);
      return new CelList([...findAllRegex(String(pattern), String(text), most)]);
    },
  }),
];
