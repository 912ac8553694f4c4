import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** The id of the heading that gets the focus if no closer element remains. */
export const ROOM_NAME = 'room-name';

/** If a removed element had the focus, or contained it, the room's name gets the focus. */
export function useFocusBack(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const shown = element.current;
    return () => {
      if (shown?.contains(document.activeElement)) document.getElementById(ROOM_NAME)?.focus();
    };
  }, []);
}
