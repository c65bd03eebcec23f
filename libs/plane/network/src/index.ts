export { createServiceProxy, type ServiceProxyOptions } from './service-proxy.ts';
