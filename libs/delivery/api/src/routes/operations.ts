import { APPLICATION_LABEL, applicationLabel, type Operation, type SyncRun } from '@tiphys/delivery-applications';
import { Router } from 'express';
import { ApiError } from '../api-error.ts';
import { applicationOf, handle, param, type RouteContext } from '../context.ts';
import { planBody, readBody, rollbackBody, syncBody, type SyncBody } from '../requests.ts';
import type { RunsAnswer } from '../wire.ts';

const MAX_RUNS = 500;

/** Plan, sync, roll back, terminate, and the record of what was done. */
export function operationRoutes(context: RouteContext): Router {
  const { backend } = context;
  const router = Router();
  router.post(
    '/:name/sync',
    handle(context, (request, _response, { caller, signal }) => {
      const body = readBody(syncBody, request.body);
      return backend.sync(
        {
          application: applicationOf(context, request),
          actor: caller.name,
          operation: operationOf(body, caller.name),
          ...(body.plan === undefined ? {} : { planHash: body.plan }),
        },
        signal,
      );
    }),
  );
  router.post(
    '/:name/rollback',
    handle(context, (request, _response, { caller, signal }) => {
      const { id, run, prune, dryRun, reason } = readBody(rollbackBody, request.body);
      return backend.rollback(
        {
          application: applicationOf(context, request),
          to: run === undefined ? { historyId: Number(id) } : { run },
          actor: caller.name,
          ...(prune === undefined ? {} : { prune }),
          ...(dryRun === undefined ? {} : { dryRun }),
          ...(reason === undefined ? {} : { reason }),
        },
        signal,
      );
    }),
  );
  router.delete(
    '/:name/operation',
    handle(context, async (request, _response, { signal }) => {
      if (await backend.terminate(applicationOf(context, request), signal)) return {};
      throw new ApiError({ code: 'invalid' }, `application ${param(request, 'name')}: no operation is in progress`);
    }),
  );
  router.delete(
    '/:name/pin',
    handle(context, async (request, _response, { signal }) => {
      await backend.unpin(applicationOf(context, request), signal);
      return {};
    }),
  );
  planRoutes(context, router);
  runRoutes(context, router);
  return router;
}

function planRoutes(context: RouteContext, router: Router): void {
  const { backend } = context;
  router.get(
    '/:name/plan',
    handle(context, (request, _response, { query, signal }) => {
      const revision = query.get('revision');
      return backend.plan(
        { application: applicationOf(context, request), prune: query.get('prune') === 'true', ...(revision === null || revision === '' ? {} : { revision }) },
        signal,
      );
    }),
  );
  router.post(
    '/:name/plan',
    handle(context, (request, _response, { signal }) => {
      const { revision, prune, manifests, syncOptions } = readBody(planBody, request.body);
      return backend.plan(
        {
          application: applicationOf(context, request),
          ...(revision === undefined || revision === '' ? {} : { revision }),
          ...(prune === undefined ? {} : { prune }),
          ...(manifests === undefined ? {} : { manifests }),
          ...(syncOptions === undefined ? {} : { syncOptions }),
        },
        signal,
      );
    }),
  );
  router.get(
    '/:name/syncwindows',
    handle(context, (request) => backend.syncWindows(applicationOf(context, request))),
  );
}

function runRoutes(context: RouteContext, router: Router): void {
  const { backend } = context;
  router.get(
    '/:name/runs',
    handle(context, (request): RunsAnswer => ({ items: runsOf(context, backend.nameOf(applicationOf(context, request))) })),
  );
  router.get(
    '/:name/runs/:run',
    handle(context, (request) => {
      const application = applicationOf(context, request);
      const run = backend.runs.get(param(request, 'run'), backend.namespace);
      if (run === undefined || run.spec.application !== backend.nameOf(application))
        throw new ApiError({ code: 'notFound' }, `run ${param(request, 'run')}: not found`);
      return run;
    }),
  );
}

function runsOf(context: RouteContext, application: string): readonly SyncRun[] {
  return context.backend.runs
    .list(context.backend.namespace)
    .filter((run) => run.metadata.labels?.[APPLICATION_LABEL] === applicationLabel(application) && run.spec.application === application)
    .toSorted((a, b) => ((a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1))
    .slice(0, MAX_RUNS);
}

function operationOf(body: SyncBody, actor: string): Operation {
  const options =
    body.syncOptions === undefined || Array.isArray(body.syncOptions) ? body.syncOptions : (body.syncOptions as { readonly items: readonly string[] }).items;
  const force = body.force ?? body.strategy?.apply?.force ?? body.strategy?.hook?.force;
  const asked = force === undefined ? {} : { force };
  return {
    initiatedBy: { username: actor },
    sync: {
      ...(body.revision === undefined || body.revision === '' ? {} : { revision: body.revision }),
      ...(body.prune === undefined ? {} : { prune: body.prune }),
      ...(body.dryRun === undefined ? {} : { dryRun: body.dryRun }),
      ...(body.resources === undefined
        ? {}
        : {
            resources: body.resources.map(({ group, kind, name, namespace }) => ({
              kind,
              name,
              ...(group === undefined ? {} : { group }),
              ...(namespace === undefined ? {} : { namespace }),
            })),
          }),
      ...(options === undefined ? {} : { syncOptions: [...(options as readonly string[])] }),
      ...(body.strategy?.apply !== undefined ? { syncStrategy: { apply: asked } } : force === undefined ? {} : { syncStrategy: { hook: asked } }),
      ...(body.revisions === undefined ? {} : { revisions: [...body.revisions] }),
      ...(body.manifests === undefined || body.manifests.length === 0 ? {} : { manifests: [...body.manifests] }),
    },
    ...(body.retryStrategy === undefined ? {} : { retry: body.retryStrategy }),
    ...(body.infos === undefined ? {} : { info: [...body.infos] }),
  };
}
