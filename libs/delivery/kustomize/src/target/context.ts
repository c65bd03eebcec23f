import type { FetchChart } from '@tiphys/delivery-helm';
import type { ReadContext } from '../load/resources.ts';

/** What the target cluster can do, as charts ask for it. */
export interface Capabilities {
  readonly kubeVersion: string;
  readonly apiVersions: readonly string[];
}

/** What a build is given besides files. */
export interface BuildContext extends ReadContext {
  readonly enableHelm: boolean;
  readonly fetchChart: FetchChart | undefined;
  readonly capabilities: Capabilities | undefined;
}
