import { detectKustomizeSource, KustomizeError, renderKustomizeSource, type KustomizeReads, type RemoteBase } from '@tiphys/delivery-kustomize';
import { RenderError } from './render-error.ts';
import type { RenderTool, SourceReads } from './tool.ts';

const HINTS: Readonly<Partial<Record<KustomizeError['code'], string>>> = {
  remote: 'put the base or file into the repository, or have an operator allow it with --remote-bases',
  helm: 'render the chart as a source of its own, or allow charts in kustomizations',
  plugin: 'only the generators and transformers that are built in can be used',
};

/** Builds kustomizations with the engine of `delivery/kustomize`. */
export const kustomizeTool: RenderTool = {
  name: 'Kustomize',
  detect: (request, reads) => detectKustomizeSource(request, reads),
  async render(request, reads) {
    try {
      const { objects, problems } = await renderKustomizeSource(request, reads, {
        enableHelm: request.kustomizeEnableHelm === true,
        fetchChart: (chart) => reads.chart(chart),
        openRemote: (base) => openRemote(base, reads),
        fetchFile: (url) => reads.remoteFile(url),
      });
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

// Files of another repository are read by the name it was opened under.
async function openRemote({ repository, revision }: RemoteBase, reads: SourceReads): Promise<KustomizeReads | undefined> {
  const ref = await reads.remote({ repository, revision });
  return ref === undefined ? undefined : { read: (path) => reads.read(path, ref), list: (path) => reads.list(path, ref) };
}
