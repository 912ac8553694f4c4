import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** The id of the heading that gets the focus where nothing nearer is left to have it. */
export const ROOM_NAME = 'room-name';

/** When an element goes that has the focus, or holds what has it, the focus goes to the room's name and not to nowhere. */
export function useFocusBack(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const shown = element.current;
    return () => {
      if (shown?.contains(document.activeElement)) document.getElementById(ROOM_NAME)?.focus();
    };
  }, []);
}
