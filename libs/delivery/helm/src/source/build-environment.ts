/** What build environment variables are made of (Argo CD's `ARGOCD_APP_*`, `KUBE_*`). */
export interface BuildVariables {
  readonly application: string;
  readonly namespace: string;
  readonly project: string;
  readonly path: string;
  readonly repoUrl: string;
  readonly targetRevision: string;
  /** Asked only where a text names it: a render that does not is the same at every commit. */
  readonly revision: () => Promise<string>;
  readonly kubeVersion: () => Promise<string>;
  readonly apiVersions: () => Promise<readonly string[]>;
}

/** Fills `$NAME` and `${NAME}` in a text; `$$` is a dollar, an unknown name is empty (Go's os.Expand). */
export type Substitute = (text: string) => Promise<string>;

const REFERENCE = /\$(?:\{([^}]*)\}|([A-Za-z0-9_]+)|([*#$@!?-]))/g;

/** Makes the substitution of one render. */
export function substituteWith(variables: BuildVariables): Substitute {
  return async (text) => {
    if (!text.includes('$')) return text;
    const values = new Map<string, string>();
    for (const [, braced, bare, special] of text.matchAll(REFERENCE)) {
      const name = braced ?? bare ?? special ?? '';
      if (!values.has(name)) values.set(name, await lookUp(name, variables));
    }
    return text.replace(REFERENCE, (_, braced?: string, bare?: string, special?: string) => values.get(braced ?? bare ?? special ?? '') ?? '');
  };
}

async function lookUp(name: string, variables: BuildVariables): Promise<string> {
  switch (name) {
    case '$':
      return '$';
    case 'ARGOCD_APP_NAME':
      return variables.application;
    case 'ARGOCD_APP_NAMESPACE':
      return variables.namespace;
    case 'ARGOCD_APP_PROJECT_NAME':
      return variables.project;
    case 'ARGOCD_APP_REVISION':
      return variables.revision();
    case 'ARGOCD_APP_REVISION_SHORT':
      return (await variables.revision()).slice(0, 7);
    case 'ARGOCD_APP_REVISION_SHORT_8':
      return (await variables.revision()).slice(0, 8);
    case 'ARGOCD_APP_SOURCE_PATH':
      return variables.path;
    case 'ARGOCD_APP_SOURCE_REPO_URL':
      return variables.repoUrl;
    case 'ARGOCD_APP_SOURCE_TARGET_REVISION':
      return variables.targetRevision;
    case 'KUBE_VERSION':
      return variables.kubeVersion();
    case 'KUBE_API_VERSIONS':
      return (await variables.apiVersions()).join(',');
    default:
      return '';
  }
}
