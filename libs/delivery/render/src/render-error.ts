import { DomainError } from '@tiphys/kernel';

/**
 * Why nothing could be rendered: `pathNotFound` the source's path is not in the commit · `toolUnavailable` the tool the source needs is not built in yet · `timeout`,
 * `outOfMemory`, `tooLarge` a budget ran out · `sourceUnreadable` the repository failed meanwhile · `toolFailed` a fault of ours.
 */
export interface RenderErrorDetail {
  readonly code: 'pathNotFound' | 'toolUnavailable' | 'timeout' | 'outOfMemory' | 'tooLarge' | 'sourceUnreadable' | 'toolFailed';
  readonly path: string;
}

/** A source that could not be rendered at all; problems of single files are results instead. */
export class RenderError extends DomainError<RenderErrorDetail> {
  override readonly name = 'RenderError';
}
