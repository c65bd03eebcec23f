export { createControllers, type ControllersOptions } from './controllers.ts';
export type { ControllerDeps } from './kinds.ts';
