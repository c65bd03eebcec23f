export { evaluate, type EvaluateOptions, type ExternalValue } from './evaluate.ts';
export { JsonnetError, type JsonnetErrorDetail, type Place } from './jsonnet-error.ts';
export { loadProgram, type Library, type Program, type ReadFile } from './load.ts';
export { defaultJsonnetLimits, type JsonnetLimits } from './machine.ts';
export type { Json } from './manifest.ts';
