import { useEffect, useRef } from 'react';

/** What keys do: `j`, `Enter`, `/`, or a chord such as `g a`. */
export type KeyMap = Readonly<Record<string, () => void>>;

const CHORD_MS = 1_000;

/** Binds keys while the component is shown. Nothing fires inside inputs, with modifiers, or under an open dialog. */
export function useKeys(map: KeyMap): void {
  const current = useRef(map);
  useEffect(() => {
    current.current = map;
  });
  useEffect(() => {
    let prefix = '';
    let prefixAt = 0;
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target instanceof HTMLElement ? event.target : undefined;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        target?.closest('input, textarea, select, [contenteditable]') ||
        document.querySelector('dialog[open]')
      )
        return;
      const chord = prefix !== '' && event.timeStamp - prefixAt < CHORD_MS ? `${prefix} ${event.key}` : event.key;
      prefix = '';
      // A focused button or link keeps its own Enter.
      if (event.key === 'Enter' && target?.closest('button, a')) return;
      const action = Object.hasOwn(current.current, chord) ? current.current[chord] : undefined;
      if (action !== undefined) {
        event.preventDefault();
        action();
      } else if (Object.keys(current.current).some((key) => key.startsWith(`${event.key} `))) {
        prefix = event.key;
        prefixAt = event.timeStamp;
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
