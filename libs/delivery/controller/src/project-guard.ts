import { projectType, type Application, type AppProject } from '@tiphys/delivery-applications';
import type { Logger } from '@tiphys/kernel';
import type { KubeClient, Lister } from '@tiphys/kube-client';
import { isStatus, type KubeObject } from '@tiphys/kube-model';
import { CASCADE_FINALIZER } from './deletion-finalizers.ts';

/** What the guard looks at. */
export interface ProjectGuardDeps {
  readonly client: KubeClient;
  readonly projects: Pick<Lister<AppProject>, 'list'>;
  readonly applications: { list(): readonly KubeObject[] };
  readonly logger: Logger;
}

const RELEASE_MS = 10_000;

/** Lets deleted projects go once no application uses them any more (controller/appcontroller.go processProjectQueueItem). */
export async function releaseProjects({ client, projects, applications, logger }: ProjectGuardDeps): Promise<void> {
  // Only the name of the project is read.
  const used = new Set(applications.list().map((application) => (application as Application).spec?.project ?? 'default'));
  for (const { metadata } of projects.list()) {
    const { name = '', namespace, finalizers = [], deletionTimestamp, resourceVersion } = metadata;
    if (deletionTimestamp === undefined || used.has(name) || !finalizers.includes(CASCADE_FINALIZER)) continue;
    const patch = { metadata: { resourceVersion, finalizers: finalizers.filter((finalizer) => finalizer !== CASCADE_FINALIZER) } };
    try {
      await client.patch(projectType, { name, namespace }, patch, {
        type: 'merge',
        fieldManager: 'tiphys-controller',
        signal: AbortSignal.timeout(RELEASE_MS),
      });
    } catch (error) {
      // The next event of a project or an application tries again.
      if (!isStatus(error, 'NotFound', 'Conflict')) logger.info({ project: name, err: error }, 'deleted project could not be released');
    }
  }
}
