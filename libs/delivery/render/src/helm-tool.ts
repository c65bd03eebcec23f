import { BudgetError, defaultBudgetLimits, detectHelmSource, HelmError, renderHelmSource, type BudgetLimits } from '@tiphys/delivery-helm';
import { LIMITS } from '@tiphys/kernel';
import { RenderError } from './render-error.ts';
import type { RenderTool } from './tool.ts';

// A worker has 512 MB of heap: what a chart may make is kept well below.
const BUDGET: BudgetLimits = { ...defaultBudgetLimits, steps: 20_000_000, outputBytes: LIMITS.renderOutputBytes, heldBytes: 192 * 1024 * 1024 };

/** Renders charts with the engine of `delivery/helm`. */
export const helmTool: RenderTool = {
  name: 'Helm',
  detect: (request, reads) => detectHelmSource(request, reads),
  async render(request, reads) {
    try {
      const { objects, problems, nonDeterministic } = await renderHelmSource(request, reads, { fetch: (wanted) => reads.chart(wanted), budget: BUDGET });
      return { objects, problems, ...(nonDeterministic.length === 0 ? {} : { nonDeterministic }) };
    } catch (error) {
      if (!(error instanceof HelmError || error instanceof BudgetError)) throw error;
      const place = request.source.chart ?? (request.path === '' ? '.' : request.path);
      throw new RenderError({ code: 'toolFailed', path: request.path }, `${place}: helm: ${error.message}`, { cause: error });
    }
  },
};
