import type { KustomizeBuild, KustomizeReads } from '@tiphys/delivery-kustomize';

/** A program that builds kustomizations. */
export interface Kustomizer {
  readonly program: string;
  readonly version: string;
  readonly name: string;
  readonly args: readonly string[];
}

/** kubectl in every version that lies beside the one on the PATH, and kustomize; the newest Kustomize last. */
export function findKustomizers(): readonly Kustomizer[];

/** Builds overlays with ours and with every program; returns what differs, by cause. Overlays that need the network are left out. */
export function compareOverlays(options: {
  readonly folder: string;
  readonly reads: KustomizeReads;
  readonly build: (path: string, reads: KustomizeReads) => Promise<KustomizeBuild>;
  readonly paths: readonly string[];
  readonly kustomizers: readonly Kustomizer[];
  /** Milliseconds since the epoch at which it stops. */
  readonly until?: number;
}): Promise<ReadonlyMap<string, readonly string[]>>;
