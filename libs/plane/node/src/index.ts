export { createNodeAgent, createSimulatedNodes, machineCapacity, type NodeAgent, type NodeAgentOptions, type SimulatedNodesOptions } from './node-agent.ts';
export { createEventRecorder, type EventRecorder, type EventRecorderOptions } from './event-recorder.ts';
export { defaultBackoff, type BackoffOptions } from './pod-host.ts';
export type { NodeBackend } from './pod-manager.ts';
export { qosClassOf } from './qos.ts';
