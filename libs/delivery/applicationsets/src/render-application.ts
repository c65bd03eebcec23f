import { ARGO_API_VERSION } from '@tiphys/delivery-applications';
import { isJsonObject, type JsonObject, type JsonValue } from '@tiphys/kube-model';
import { applyMergePatch } from '@tiphys/kube-patch';
import { parseDocuments } from '@tiphys/kube-yaml';
import type { ApplicationSet, WantedApplication } from './application-set.ts';
import { GenerateError } from './generate-error.ts';
import type { Generated } from './generators/generate.ts';
import { renderDeep, textRenderer } from './render-text.ts';

const RESOURCES_FINALIZER = 'resources-finalizer.argocd.argoproj.io';
const MAX_NAME = 253;

/** The Application that one set of parameters makes of the template (applicationset/utils RenderTemplateParams). Pure. Throws GenerateError. */
export function renderApplication(set: ApplicationSet, { parameters, template }: Generated): WantedApplication {
  const render = textRenderer(set.spec);
  // The template came as JSON.
  const filled = renderDeep(template as JsonValue, (text) => render(text, parameters)) as typeof template;
  const { name = '', labels, annotations, finalizers, namespace } = filled.metadata ?? {};
  if (name === '') throw new GenerateError({ code: 'template' }, 'the template gives an Application without a name');
  if (name.length > MAX_NAME || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    throw new GenerateError({ code: 'template' }, `the template gives the name ${JSON.stringify(name.slice(0, 80))}, which no object can have`, {
      hint: 'lower case letters, digits, dashes and dots; the function normalize makes such names',
    });
  const keeps = set.spec.syncPolicy?.preserveResourcesOnDeletion === true;
  const wanted = finalizers !== undefined && finalizers.length > 0 ? finalizers : keeps ? [] : [RESOURCES_FINALIZER];
  const application = {
    apiVersion: ARGO_API_VERSION,
    kind: 'Application',
    metadata: {
      name,
      // A set makes Applications where it lives; another namespace in its template is not its to choose.
      namespace: set.metadata.namespace ?? namespace ?? '',
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(wanted.length === 0 ? {} : { finalizers: [...wanted] }),
    },
    spec: (filled.spec ?? {}) as unknown as WantedApplication['spec'],
  };
  return withPatch(application, set, () => render(set.spec.templatePatch ?? '', parameters));
}

// A merge patch in YAML. Its author may not move the Application to another project, name or namespace.
function withPatch(application: WantedApplication, { spec }: ApplicationSet, text: () => string): WantedApplication {
  if (spec.templatePatch === undefined || spec.goTemplate !== true) return application;
  const { values, problems } = parseDocuments(text(), { source: 'templatePatch' });
  const [problem] = problems;
  if (problem !== undefined) throw new GenerateError({ code: 'template' }, `templatePatch: ${problem.message}`);
  const patch = values[0]?.value ?? {};
  if (!isJsonObject(patch)) throw new GenerateError({ code: 'template' }, 'templatePatch: is not a map');
  // Both sides are JSON.
  const patched = applyMergePatch(application, patch) as JsonObject & WantedApplication;
  const { metadata, spec: patchedSpec } = patched;
  return {
    ...application,
    metadata: { ...metadata, name: application.metadata.name ?? '', namespace: application.metadata.namespace ?? '' },
    spec: { ...patchedSpec, project: application.spec.project },
  };
}
