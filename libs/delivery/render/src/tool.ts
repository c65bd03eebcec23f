import type { ApplicationSource } from '@tiphys/delivery-applications';
import type { LocatedObject, ManifestProblem } from '@tiphys/kube-yaml';

/** What the application contributes to a render besides its source (Argo CD's build environment). */
export interface BuildEnvironment {
  readonly application: string;
  readonly namespace: string;
  readonly project: string;
}

/** One source to render. Plain data: it travels to a worker. */
export interface RenderRequest {
  readonly source: ApplicationSource;
  /** Normalised path inside the repository; empty for its root. */
  readonly path: string;
  readonly environment: BuildEnvironment;
}

/** A name in a folder, as tools see it. */
export interface SourceEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'submodule';
}

/** The reads a tool may make: nothing else of the world is visible to it. Every read is recorded. */
export interface SourceReads {
  /** The bytes of a file; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; undefined when there is none. */
  list(path: string): Promise<readonly SourceEntry[] | undefined>;
}

/** What a tool made of a source: every good object and every problem. */
export interface RenderOutput {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
}

/** One way to turn a source into manifests. */
export interface RenderTool {
  readonly name: 'Directory' | 'Helm' | 'Kustomize';
  /** Whether this tool is the one for the path, by what stands there. */
  detect(request: RenderRequest, reads: SourceReads): Promise<boolean>;
  render(request: RenderRequest, reads: SourceReads): Promise<RenderOutput>;
}
