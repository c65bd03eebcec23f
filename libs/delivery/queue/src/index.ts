export { createBullmqQueue, type BullmqQueueOptions } from './bullmq-queue.ts';
export { createInProcessQueue } from './in-process-queue.ts';
export type { JobHandler, JobOutcome, JobQueue, ProcessOptions, SyncJob } from './job-queue.ts';
