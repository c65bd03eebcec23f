import { detectKustomizeSource, KustomizeError, renderKustomizeSource } from '@tiphys/delivery-kustomize';
import { RenderError } from './render-error.ts';
import type { RenderTool } from './tool.ts';

const HINTS: Readonly<Partial<Record<KustomizeError['code'], string>>> = {
  remote: 'put the base into the repository, or allow remote bases',
  helm: 'render the chart as a source of its own, or allow charts in kustomizations',
  plugin: 'only the generators and transformers that are built in can be used',
};

/** Builds kustomizations with the engine of `delivery/kustomize`. */
export const kustomizeTool: RenderTool = {
  name: 'Kustomize',
  detect: (request, reads) => detectKustomizeSource(request, reads),
  async render(request, reads) {
    try {
      const { objects, problems } = await renderKustomizeSource(request, reads, { fetchChart: (chart) => reads.chart(chart) });
      return { objects, problems };
    } catch (error) {
      if (!(error instanceof KustomizeError)) throw error;
      const hint = HINTS[error.code];
      const place = request.path === '' ? '.' : request.path;
      throw new RenderError({ code: 'toolFailed', path: request.path }, `${place}: kustomize: ${error.message}`, {
        cause: error,
        ...(hint === undefined ? {} : { hint }),
      });
    }
  },
};
