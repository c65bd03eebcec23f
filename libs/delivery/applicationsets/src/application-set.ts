import { ARGO_API_VERSION, type Application } from '@tiphys/delivery-applications';
import { customResource, type JsonObject, type JsonValue, type KubeObject, type metav1, type ResourceType } from '@tiphys/kube-model';

/** How to address ApplicationSets. */
export const applicationSetType: ResourceType = customResource(ARGO_API_VERSION, 'ApplicationSet', 'applicationsets');

/** One key of a Secret in the namespace of the set. */
export interface SecretRef {
  readonly secretName: string;
  readonly key: string;
}

/** An Application as a set writes it, with parameters in its texts (applicationset_types.go ApplicationSetTemplate). */
export interface ApplicationTemplate {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: JsonObject;
}

/** What every generator but list, matrix and merge has besides its own fields. */
interface CommonGenerator {
  readonly template?: ApplicationTemplate;
  readonly values?: Readonly<Record<string, string>>;
  readonly requeueAfterSeconds?: number;
}

/** Parameters written out. */
export interface ListGenerator extends Pick<CommonGenerator, 'template'> {
  readonly elements?: readonly JsonObject[];
  readonly elementsYaml?: string;
}

/** One set of parameters for each registered cluster. */
export interface ClusterGenerator extends CommonGenerator {
  readonly selector?: metav1.LabelSelector;
  readonly flatList?: boolean;
}

/** A path of a repository, taken or left out. */
export interface PathPattern {
  readonly path: string;
  readonly exclude?: boolean;
}

/** Parameters from folders or files of a repository. */
export interface GitGenerator extends CommonGenerator {
  readonly repoURL: string;
  readonly revision?: string;
  readonly directories?: readonly PathPattern[];
  readonly files?: readonly PathPattern[];
  readonly pathParamPrefix?: string;
}

/** Every pair of two generators' parameters. */
export interface MatrixGenerator extends Pick<CommonGenerator, 'template'> {
  readonly generators: readonly Generator[];
}

/** The first generator's parameters, completed by the others' where the keys agree. */
export interface MergeGenerator extends MatrixGenerator {
  readonly mergeKeys: readonly string[];
}

/** A forge and how it is talked to; each generator names one. */
export interface ForgeGenerator extends CommonGenerator {
  readonly github?: JsonObject;
  readonly gitlab?: JsonObject;
  readonly gitea?: JsonObject;
  readonly cloneProtocol?: string;
  readonly continueOnRepoNotFoundError?: boolean;
  readonly filters?: readonly JsonObject[];
}

/** Clusters another controller decided on. */
export interface ClusterDecisionGenerator extends CommonGenerator {
  readonly configMapRef: string;
  readonly name?: string;
  readonly labelSelector?: metav1.LabelSelector;
}

/** Parameters a service answers with. */
export interface PluginGenerator extends CommonGenerator {
  readonly configMapRef: { readonly name: string };
  readonly input?: { readonly parameters?: JsonObject };
}

/** One generator: exactly one of its fields besides `selector` is given. */
export interface Generator {
  readonly list?: ListGenerator;
  readonly clusters?: ClusterGenerator;
  readonly git?: GitGenerator;
  readonly matrix?: MatrixGenerator;
  readonly merge?: MergeGenerator;
  readonly scmProvider?: ForgeGenerator;
  readonly pullRequest?: ForgeGenerator;
  readonly clusterDecisionResource?: ClusterDecisionGenerator;
  readonly plugin?: PluginGenerator;
  /** Only parameters that match are kept. */
  readonly selector?: metav1.LabelSelector;
}

/** Which changes a set may make to its Applications. */
export type SetPolicy = 'sync' | 'create-only' | 'create-update' | 'create-delete';

/** One step of a rolling sync. */
export interface RollingStep {
  readonly matchExpressions?: readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] }[];
  readonly maxUpdate?: number | string;
}

/** What a user wants of a set. */
export interface ApplicationSetSpec {
  readonly goTemplate?: boolean;
  readonly goTemplateOptions?: readonly string[];
  readonly generators: readonly Generator[];
  readonly template: ApplicationTemplate;
  readonly templatePatch?: string;
  readonly syncPolicy?: { readonly applicationsSync?: SetPolicy; readonly preserveResourcesOnDeletion?: boolean };
  readonly strategy?: { readonly type?: string; readonly deletionOrder?: string; readonly rollingSync?: { readonly steps?: readonly RollingStep[] } };
  readonly preservedFields?: { readonly annotations?: readonly string[]; readonly labels?: readonly string[] };
  readonly ignoreApplicationDifferences?: readonly {
    readonly name?: string;
    readonly jsonPointers?: readonly string[];
    readonly jqPathExpressions?: readonly string[];
  }[];
}

/** A remark about a set. */
export interface SetCondition {
  readonly type: 'ErrorOccurred' | 'ParametersGenerated' | 'ResourcesUpToDate' | 'RolloutProgressing';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime?: string;
}

/** How far one Application of a rolling sync is. */
export interface RolloutStatus {
  readonly application: string;
  readonly status: 'Waiting' | 'Pending' | 'Progressing' | 'Healthy';
  readonly step: string;
  readonly message: string;
  readonly targetRevisions: readonly string[];
  readonly lastTransitionTime?: string;
}

/** What the controller observed. */
export interface ApplicationSetStatus {
  readonly conditions?: readonly SetCondition[];
  readonly applicationStatus?: readonly RolloutStatus[];
  readonly resources?: readonly JsonObject[];
  readonly resourcesCount?: number;
}

/** A set of Applications made from one template (argoproj.io/v1alpha1). */
export interface ApplicationSet extends KubeObject {
  readonly spec: ApplicationSetSpec;
  readonly status?: ApplicationSetStatus;
}

/** One set of parameters. */
export type Parameters = Readonly<Record<string, JsonValue>>;

/** An Application a set wants. */
export type WantedApplication = Pick<Application, 'apiVersion' | 'kind' | 'metadata' | 'spec'>;
