import {
  BudgetError,
  defaultBudgetLimits,
  detectHelmSource,
  fromJson,
  GoMap,
  HelmError,
  renderHelmSource,
  type BudgetLimits,
  type HelmSourceOutput,
} from '@tiphys/delivery-helm';
import { LIMITS } from '@tiphys/kernel';
import { RenderError } from './render-error.ts';
import type { LookupQuery, RenderRequest, RenderTool, SourceReads } from './tool.ts';

// A worker has 512 MB of heap: what a chart may make is kept well below.
const BUDGET: BudgetLimits = { ...defaultBudgetLimits, steps: 20_000_000, outputBytes: LIMITS.renderOutputBytes, heldBytes: 192 * 1024 * 1024 };

/** Renders charts with the engine of `delivery/helm`. */
export const helmTool: RenderTool = {
  name: 'Helm',
  detect: (request, reads) => detectHelmSource(request, reads),
  async render(request, reads) {
    try {
      const { objects, problems, nonDeterministic } = await renderWithLookups(request, reads);
      return { objects, problems, ...(nonDeterministic.length === 0 ? {} : { nonDeterministic }) };
    } catch (error) {
      if (!(error instanceof HelmError || error instanceof BudgetError)) throw error;
      const place = request.source.chart ?? (request.path === '' ? '.' : request.path);
      throw new RenderError({ code: 'toolFailed', path: request.path }, `${place}: helm: ${error.message}`, { cause: error });
    }
  },
};

// What one lookup finds may lead to another; charts that go on are given what they have.
const MAX_PASSES = 5;
const MAX_LOOKUPS = 200;

// Templates run without waiting, the cluster answers with waiting: a pass notes what it wants to know, the next one knows it.
async function renderWithLookups(request: RenderRequest, reads: SourceReads): Promise<HelmSourceOutput> {
  const known = new Map<string, GoMap>();
  for (let pass = 1; ; pass += 1) {
    const wanted = new Map<string, LookupQuery>();
    const lookup = (apiVersion: string, kind: string, namespace: string, name: string): GoMap => {
      const query = { apiVersion, kind, namespace, name };
      const key = JSON.stringify(query);
      const found = known.get(key);
      if (found === undefined && known.size + wanted.size < MAX_LOOKUPS) wanted.set(key, query);
      return found ?? new GoMap();
    };
    const isLast = (): boolean => wanted.size === 0 || pass === MAX_PASSES;
    try {
      const output = await renderHelmSource(request, reads, { fetch: (chart) => reads.chart(chart), budget: BUDGET, lookup });
      if (isLast()) return output;
    } catch (error) {
      // A chart may fail only for not having found what it looked for.
      if (isLast() || !(error instanceof HelmError)) throw error;
    }
    for (const [key, query] of wanted) {
      const found = fromJson(await reads.lookup(query));
      known.set(key, found instanceof GoMap ? found : new GoMap());
    }
  }
}
