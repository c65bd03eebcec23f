import { GoMap, writeYaml, type GoValue } from '@tiphys/delivery-helm';
import { formatId } from '../resource/res-id.ts';
import type { Resource } from '../resource/resource.ts';

/** Says that a reference can mean several objects, and shows them, Secrets without their data. */
export function describeAmbiguity(referrer: Resource, candidates: readonly Resource[]): string {
  const ids = candidates.map(({ id }) => formatId(id)).join(', ');
  const shown = candidates.map((candidate, index) => `--- possible referral ${index}:\n${show(candidate)}\n`).join('');
  return `found multiple possible referrals: ${ids}\n\n**** Too many possible referral targets to referrer:\n${show(referrer)}\n${shown}`;
}

function show(resource: Resource): string {
  const value = resource.value();
  return writeYaml(resource.kind === 'Secret' ? withoutData(value) : value);
}

function withoutData(value: GoValue): GoValue {
  return value instanceof GoMap ? new GoMap(new Map([...value.entries].filter(([key]) => key !== 'data' && key !== 'stringData'))) : value;
}
