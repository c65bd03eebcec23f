import type { Snapshot } from '@tiphys/delivery-git';
import type { ClusterCapabilities, LookupQuery, WantedChart, WantedRepository } from './tool.ts';

/** Everything a render can see: the files of its commit, those of the sources it refers to, and what the target can do. */
export interface RenderWorld {
  readonly snapshot: Snapshot;
  /** Sources of the same application with a `ref`, by it. */
  readonly refs?: ReadonlyMap<string, Snapshot>;
  /** Asked only when a tool asks. Without it the target is a plain Kubernetes of the version we know. */
  readonly capabilities?: () => Promise<ClusterCapabilities>;
  /** Answers lookups of charts, where they are enabled and the project may read; undefined for everything else. */
  readonly lookup?: (query: LookupQuery) => Promise<unknown>;
  /** Fetches what a chart depends on; undefined where the repository may not be asked. */
  readonly chart?: (wanted: WantedChart) => Promise<Uint8Array | undefined>;
  /** Opens another repository at a revision; undefined where it may not be asked. */
  readonly remote?: (wanted: WantedRepository) => Promise<Snapshot | undefined>;
  /** Fetches a file over HTTP; undefined where it may not be asked for. */
  readonly remoteFile?: (url: string) => Promise<Uint8Array | undefined>;
}

/** What a target is taken for when nobody says. */
export const UNKNOWN_TARGET: ClusterCapabilities = { kubeVersion: 'v1.33.0', apiVersions: [] };
