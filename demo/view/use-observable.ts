import { useLayoutEffect, useReducer } from 'preact/hooks';
import type { Observable } from '../model/observable.ts';

/** Renders the component again whenever the model has changed. */
export function useObservable(model: Observable): void {
  const [, render] = useReducer((count: number, _change: undefined) => count + 1, 0);
  useLayoutEffect(() => model.subscribe(() => render(undefined)), [model]);
}
