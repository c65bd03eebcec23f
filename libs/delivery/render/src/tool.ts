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
  /** The application has several sources: then files in Git may not override the source. */
  readonly isOneOfMany?: boolean;
  /** Kustomizations may inflate charts (`--enable-helm`): an operator's choice. */
  readonly kustomizeEnableHelm?: boolean;
}

/** A name in a folder, as tools see it. */
export interface SourceEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'submodule';
}

/** What the target cluster can do, as charts ask for it. */
export interface ClusterCapabilities {
  /** Such as `v1.33.3`. */
  readonly kubeVersion: string;
  /** `v1`, `apps/v1`, `apps/v1/Deployment`, …, sorted. */
  readonly apiVersions: readonly string[];
}

/** A chart that another one depends on: a name, a version or range of it, and where it is offered. */
export interface WantedChart {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
}

/** Another repository that a source builds on, such as a remote base of Kustomize. */
export interface WantedRepository {
  readonly repository: string;
  /** A branch, tag or commit; empty for the default branch. */
  readonly revision: string;
}

/** What a chart looks up in the target cluster. */
export interface LookupQuery {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The reads a tool may make: nothing else of the world is visible to it. Every read is recorded, so what a render never asked for cannot make it stale. */
export interface SourceReads {
  /** The bytes of a file; undefined when there is none. `ref` names another source of the application. */
  read(path: string, ref?: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; undefined when there is none. */
  list(path: string, ref?: string): Promise<readonly SourceEntry[] | undefined>;
  /** What the target cluster can do. */
  capabilities(): Promise<ClusterCapabilities>;
  /** The commit that is rendered. */
  revision(): Promise<string>;
  /** A live object, or a List of them where no name is given; undefined where there is none, or charts may not look. */
  lookup(query: LookupQuery): Promise<unknown>;
  /** The packed chart a chart depends on; undefined where its repository may not be asked. */
  chart(wanted: WantedChart): Promise<Uint8Array | undefined>;
  /** Opens another repository: the answer is the `ref` its files are read by; undefined where it may not be asked. */
  remote(wanted: WantedRepository): Promise<string | undefined>;
  /** Fetches a file over HTTP; undefined where it may not be asked for. */
  remoteFile(url: string): Promise<Uint8Array | undefined>;
}

/** What a tool made of a source: every good object and every problem. */
export interface RenderOutput {
  readonly objects: readonly LocatedObject[];
  readonly problems: readonly ManifestProblem[];
  /** What was used that gives another result in every run; then desired never equals live. */
  readonly nonDeterministic?: readonly string[];
}

/** One way to turn a source into manifests. */
export interface RenderTool {
  readonly name: 'Directory' | 'Helm' | 'Kustomize' | 'Plugin';
  /** Whether this tool is the one for the path, by what stands there. */
  detect(request: RenderRequest, reads: SourceReads): Promise<boolean>;
  render(request: RenderRequest, reads: SourceReads): Promise<RenderOutput>;
}
