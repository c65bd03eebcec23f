import { DomainError } from '@tiphys/kernel';

/**
 * Why the controller refuses or cannot go on: `invalidSpec` the application or its project forbids it · `unknownCluster` · `notReady` evidence is still being
 * gathered, try again · `notFound` · `renderIncomplete` manifests have problems · `fenced` another controller took the run over · `terminated` a person ended it ·
 * `planMoved` the plan is no longer the one shown · `sharedResource` another application tracks the same object ·
 * `blocked` a sync window is in the way · `hookFailed` a hook of a deletion failed · `unreachable` the target does not answer, it is tried again.
 */
export interface DeliveryErrorDetail {
  readonly code:
    | 'invalidSpec'
    | 'unknownCluster'
    | 'notReady'
    | 'notFound'
    | 'renderIncomplete'
    | 'fenced'
    | 'terminated'
    | 'planMoved'
    | 'sharedResource'
    | 'blocked'
    | 'hookFailed'
    | 'unreachable';
}

/** The one error of the delivery controller. */
export class DeliveryError extends DomainError<DeliveryErrorDetail> {
  override readonly name = 'DeliveryError';
}
