export { findProgram, type Program } from './find-program.ts';
export { createGitRepo, type GitRepo } from './git-repo.ts';
export { eventually } from './eventually.ts';
export { startGitServer, type GitServer, type GitServerBehaviour } from './git-server.ts';
export {
  processesOf,
  runTiphys,
  startTiphys,
  stillRunning,
  type CommandResult,
  type TiphysExit,
  type TiphysOptions,
  type TiphysProcess,
} from './tiphys-process.ts';
export { startOciRegistry, type OciRegistry } from './oci-registry.ts';
export { readReferenceCases, type ReferenceCases } from './reference-cases.ts';
