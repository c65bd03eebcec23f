const KEY = 'tiphys.theme';

/** Shows the theme chosen before, or the system's. */
export function restoreTheme(): void {
  const chosen = localStorage.getItem(KEY);
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset['theme'] = chosen;
}

/** Switches between dark and light and remembers it. */
export function toggleTheme(): void {
  const isDark = (document.documentElement.dataset['theme'] ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  document.documentElement.dataset['theme'] = isDark ? 'light' : 'dark';
  localStorage.setItem(KEY, isDark ? 'light' : 'dark');
}
