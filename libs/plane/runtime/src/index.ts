export { AddressError, AddressPool } from './address-pool.ts';
export {
  RuntimeError,
  type ContainerExit,
  type ContainerRequest,
  type ContainerTarget,
  type ExecOptions,
  type ExecStreams,
  type LogOptions,
  type PodRuntime,
  type RunningContainer,
  type Sandbox,
  type VolumeContents,
  type VolumeFile,
} from './runtime.ts';
export { createSimulatedRuntime, type SimulatedRuntimeOptions } from './simulated/simulated-runtime.ts';
export { SIMULATE_ANNOTATION } from './simulated/steering.ts';
export { defaultLogRotation, type LogRotation } from './process/container-log.ts';
export { freePort, HOST_PORTS_ANNOTATION, parseHostPorts } from './process/host-ports.ts';
export { defaultAddressing, ProcessRuntime, type ProcessRuntimeOptions } from './process/process-runtime.ts';
