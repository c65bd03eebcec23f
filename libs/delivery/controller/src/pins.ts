import { isAutomated, PIN_ANNOTATION, pinOf, sourcesOf, type Application, type ApplicationSource, type Pin, type SyncRun } from '@tiphys/delivery-applications';

/** What a pin makes of an application. */
export type PinState =
  | { readonly kind: 'none' }
  | { readonly kind: 'over' }
  | { readonly kind: 'holds'; readonly sources: readonly ApplicationSource[]; readonly revisions: readonly string[] };

/** A patch that takes the pin off. */
export const withoutPin: object = { metadata: { annotations: { [PIN_ANNOTATION]: null } } };

/** How the pin of an application stands: it holds while its time runs or no new commit came. Without automation there is nothing to hold. Pure. */
export function pinState(application: Application, latest: readonly string[], nowMs: number, findRun: (name: string) => SyncRun | undefined): PinState {
  const pin = pinOf(application);
  if (pin === undefined || !isAutomated(application.spec)) return { kind: 'none' };
  if (isPinOver(pin, latest, nowMs)) return { kind: 'over' };
  const run = pin.run === undefined ? undefined : findRun(pin.run);
  if (run !== undefined) return { kind: 'holds', sources: run.spec.sources, revisions: run.spec.revisions };
  return { kind: 'holds', sources: sourcesOf(application.spec), revisions: pin.revision.split(',') };
}

/** Whether a pin has ended: its time is over, or the branch moved on from where it stood. */
export function isPinOver(pin: Pin, latest: readonly string[], nowMs: number): boolean {
  return pin.until === 'next-commit' ? latest.join() !== pin.heldRevision : nowMs >= Date.parse(pin.until);
}
