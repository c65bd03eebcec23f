import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { ApplicationPage, type ApplicationTab } from './pages/application.tsx';
import { ApplicationsPage, type ListSearch } from './pages/applications.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { Shell } from './ui/shell.tsx';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: () => <p className="empty">There is no such page.</p> });

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The list; everything that shapes it stands in the address. */
export const applicationsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: ApplicationsPage,
  validateSearch: (search: Record<string, unknown>): ListSearch => ({
    ...pick('search', text(search['search'])),
    ...pick('sync', text(search['sync'])),
    ...pick('health', text(search['health'])),
    ...pick('project', text(search['project'])),
    ...pick('sort', text(search['sort'])),
    ...pick('order', text(search['order'])),
    ...(typeof search['offset'] === 'number' && search['offset'] > 0 ? { offset: search['offset'] } : {}),
  }),
});

function pick<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, string>>); // One key, as the type says.
}

const TABS: readonly ApplicationTab[] = ['tree', 'diff', 'history', 'logs', 'events'];

/** One application. */
export const applicationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/applications/$name',
  component: ApplicationPage,
  validateSearch: (search: Record<string, unknown>): { readonly tab?: ApplicationTab } => {
    const tab = TABS.find((known) => known === search['tab']);
    return tab === undefined ? {} : { tab };
  },
});

const settingsRoute = createRoute({ getParentRoute: () => rootRoute, path: '/settings', component: SettingsPage });

/** The pages of the console. */
export const router = createRouter({ routeTree: rootRoute.addChildren([applicationsRoute, applicationRoute, settingsRoute]), defaultPreload: false });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
