import { BudgetError, detectHelmSource, HelmError, renderHelmSource } from '@tiphys/delivery-helm';
import { RenderError } from './render-error.ts';
import type { RenderTool } from './tool.ts';

/** Renders charts with the engine of `delivery/helm`. */
export const helmTool: RenderTool = {
  name: 'Helm',
  detect: (request, reads) => detectHelmSource(request, reads),
  async render(request, reads) {
    try {
      const { objects, problems, nonDeterministic } = await renderHelmSource(request, reads, { fetch: (wanted) => reads.chart(wanted) });
      return { objects, problems, ...(nonDeterministic.length === 0 ? {} : { nonDeterministic }) };
    } catch (error) {
      if (!(error instanceof HelmError || error instanceof BudgetError)) throw error;
      const place = request.source.chart ?? (request.path === '' ? '.' : request.path);
      throw new RenderError({ code: 'toolFailed', path: request.path }, `${place}: helm: ${error.message}`, { cause: error });
    }
  },
};
