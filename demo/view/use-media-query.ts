import { useLayoutEffect, useState } from 'preact/hooks';

/** Whether a CSS media query matches now. */
export function useMediaQuery(text: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(text).matches);
  useLayoutEffect(() => {
    const query = matchMedia(text);
    const update = (): void => setMatches(query.matches);
    update();
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, [text]);
  return matches;
}
