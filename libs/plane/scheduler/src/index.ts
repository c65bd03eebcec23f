export { createScheduler, type SchedulerOptions } from './scheduler.ts';
export { schedule, type Placement } from './schedule.ts';
