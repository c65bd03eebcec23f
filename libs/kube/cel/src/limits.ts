/** Limits of expressions in Kubernetes (apiserver pkg/apis/cel/config.go, apiextensions validation.go), in cost units. */
export const CEL_LIMITS: Readonly<Record<'perCall' | 'perRequest' | 'matchConditions' | 'rule' | 'crd' | 'messageBytes', number>> = {
  /** One evaluation. */
  perCall: 1_000_000,
  /** All rules of a custom resource, or all of a policy's, in one request. */
  perRequest: 10_000_000,
  /** All match conditions of a request. */
  matchConditions: 2_500_000,
  /** Estimate for one rule of a CRD. */
  rule: 10_000_000,
  /** Estimates of all rules of a CRD. */
  crd: 100_000_000,
  /** Result of a messageExpression, in bytes. */
  messageBytes: 5_120,
};

/** Largest request body, in bytes: bounds data whose schema sets no bound. */
export const MAX_REQUEST_BYTES: number = 3 * 1024 * 1024;
