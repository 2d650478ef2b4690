import type { BackendFactory, IQueueBackend } from 'bullmq';

/** What BullMQ asks for to reach its server, whichever that is. */
export type QueueBackendFactory = BackendFactory<IQueueBackend, unknown>;
