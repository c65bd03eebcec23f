export { parsePlugins, PluginConfigError, type PluginCommand, type PluginConfig, type PluginConfigErrorDetail, type PluginDiscovery } from './plugin-config.ts';
export { createPluginHost, type PluginHostOptions } from './plugin-host.ts';
export type { CommandLimits, PluginUser } from './run-command.ts';
